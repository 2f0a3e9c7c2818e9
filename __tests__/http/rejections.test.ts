import request from 'supertest';
import { createApi } from '../support/api.js';
import { active, createEndpoint } from '../support/endpoint.js';

const INVALID_TOKEN =
  'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this resource"';

describe('what a client sees', () => {
  it('lets a good token through and shows its claims to the handler', async () => {
    const endpoint = await createEndpoint(active({ exp: 4_000_000_000 }));
    const api = createApi(endpoint);
    const response = await api.get('good').expect(200);
    expect(response.body).toEqual({ auth: active({ exp: 4_000_000_000 }) });
    expect(endpoint.asked).toHaveLength(1);
  });

  it('answers 401 without an error when there are no credentials', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    const response = await api.get().expect(401);
    expect(response.headers['www-authenticate']).toBe('Bearer realm="api"');
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.body).toEqual({});
    expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
  });

  it('answers 401 invalid_token for a token that is not active', async () => {
    const endpoint = await createEndpoint({ active: false, sub: 'leak' });
    const api = createApi(endpoint);
    const response = await api.get('bad').expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(response.body).toEqual({
      error: 'invalid_token',
      error_description: 'The access token is not valid for this resource',
    });
    expect(response.text).not.toContain('leak');
    expect(api.reached()).toBe(0);
  });

  it('answers 400 invalid_request for a malformed token and asks nobody', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    const response = await request(api.app).get('/').set('Authorization', 'Bearer a b').expect(400);
    expect(response.headers['www-authenticate']).toContain('error="invalid_request"');
    expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
  });

  it('answers 403 insufficient_scope naming all scopes the route needs', async () => {
    const endpoint = await createEndpoint(active({ scope: 'read' }));
    const api = createApi(endpoint, { scopes: ['read', 'admin'] });
    const response = await api.get('weak').expect(403);
    expect(response.headers['www-authenticate']).toBe(
      'Bearer realm="api", error="insufficient_scope", error_description="The access token does not grant what this resource requires", scope="read admin"',
    );
    expect(api.reached()).toBe(0);
  });
});
