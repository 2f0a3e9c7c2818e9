import type { RequestHandler } from 'express';
import { z } from 'zod';
import { type Auth, getAuth } from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { createEndpoint } from '../support/endpoint.js';

const CLAIMS = { active: true, sub: 'alice', scope: 'read', tenant: 'acme' };

const wiring = (message: RegExp) =>
  expect.objectContaining({ status: 500, statusCode: 500, message: expect.stringMatching(message) });

/** Middleware that calls getAuth() and passes on its error. */
function reading(read: (req: Parameters<RequestHandler>[0]) => void): RequestHandler {
  return (req, _res, next) => {
    read(req);
    next();
  };
}

describe('getAuth', () => {
  it('returns the object that is on the request', async () => {
    let same: boolean | undefined;
    const authenticate = createAuthenticate(await createEndpoint(CLAIMS));
    const read = reading((req) => {
      same = getAuth(req) === (req as { auth?: unknown }).auth && getAuth(req, authenticate) === getAuth(req);
    });
    await get(createApp(authenticate, read), 'good').expect(200);
    expect(same).toBe(true);
  });

  it('has the type of the claims schema of the middleware it is given', async () => {
    let tenant: string | undefined;
    const authenticate = createAuthenticate(await createEndpoint(CLAIMS), {
      claims: z.object({ tenant: z.string().toUpperCase() }),
    });
    const read = reading((req) => {
      tenant = getAuth(req, authenticate).tenant;
    });
    await get(createApp(authenticate, read), 'good').expect(200);
    expect(tenant).toBe('ACME');
  });

  it('accepts only the middleware that ran last', async () => {
    const authenticate = createAuthenticate(await createEndpoint(CLAIMS));
    const derived = authenticate.with({ scopes: ['read'] });
    const auths: Auth[] = [];
    const last = createApp(
      authenticate,
      derived,
      reading((req) => auths.push(getAuth(req, derived))),
    );
    await get(last, 'good').expect(200);
    expect(auths).toEqual([CLAIMS]);
    const other = createApp(
      authenticate,
      derived,
      reading((req) => getAuth(req, authenticate)),
    );
    await get(other, 'good').expect(500);
    expect(other.errors).toEqual([wiring(/another middleware/)]);
  });

  it('throws when no middleware ran', async () => {
    const app = createApp(reading((req) => getAuth(req)));
    await get(app, 'good').expect(500);
    expect(app.errors).toEqual([wiring(/found no req\.auth; mount/)]);
  });

  it('throws for an anonymous request', async () => {
    const authenticate = createAuthenticate(await createEndpoint(CLAIMS), { optional: true });
    const app = createApp(
      authenticate,
      reading((req) => getAuth(req)),
    );
    await get(app).expect(500);
    expect(app.errors).toEqual([wiring(/anonymous/)]);
    await get(app, 'good').expect(200);
  });

  it('throws after req.auth was replaced', async () => {
    const app = createApp(
      createAuthenticate(await createEndpoint(CLAIMS)),
      reading((req) => {
        (req as { auth?: unknown }).auth = { ...CLAIMS, scope: 'admin' };
        getAuth(req);
      }),
    );
    await get(app, 'good').expect(500);
    expect(app.errors).toEqual([wiring(/did not set/)]);
  });
});
