import express, { type RequestHandler } from 'express';
import request from 'supertest';
import { mcpAuthentication, requireToolScopes } from '../../lib/mcp/index.js';
import { createApp, createAuthenticate } from '../support/api.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { published } from '../support/published.js';

const AUDIENCE = 'https://mcp.example.com/mcp';
const TEXT = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'write' } });

const guard = requireToolScopes({ write: ['files:write'], remove: ['files:delete'] });

/** POSTs through the guard with a body from another middleware. */
async function post(parser: RequestHandler) {
  const endpoint = await createEndpoint(active({ aud: AUDIENCE, scope: 'read' }));
  const authenticate = published(createAuthenticate(endpoint, { audience: AUDIENCE }));
  const app = createApp(mcpAuthentication(authenticate), parser, guard);
  const response = await request(app.app)
    .post('/')
    .set('Authorization', 'Bearer abc')
    .type('application/json')
    .send(TEXT);
  return { response, reached: app.reached() };
}

const withBody =
  (body: unknown): RequestHandler =>
  (req, _res, next) => {
    req.body = body;
    next();
  };

class Message {
  readonly method = 'tools/call';
  readonly params = { name: 'read' };
}

describe('requireToolScopes', () => {
  it.each<[string, RequestHandler]>([
    ['bytes of express.raw()', express.raw({ type: '*/*' })],
    ['text of express.text()', express.text({ type: '*/*' })],
    ['other bytes', withBody(new Uint8Array([123, 125]))],
    ['a Map', withBody(new Map([['method', 'tools/call']]))],
    ['parameters of a form', withBody(new URLSearchParams({ method: 'tools/call' }))],
    ['an instance of a class', withBody(new Message())],
    ['a function', withBody(Object.assign(() => {}, JSON.parse(TEXT)))],
    ['null', withBody(null)],
  ])('answers 415 for a body that is no JSON value: %s', async (_, parser) => {
    const { response, reached } = await post(parser);
    expect([response.status, reached]).toEqual([415, 0]);
  });

  it.each<[string, unknown]>([
    ['an instance of a class', [new Message()]],
    ['bytes', [Buffer.from(TEXT)]],
    ['a list', [[JSON.parse(TEXT)]]],
  ])('requires the scopes of every tool when a list holds %s', async (_, body) => {
    const { response, reached } = await post(withBody(body));
    expect([response.status, reached]).toEqual([403, 0]);
    expect(response.headers['www-authenticate']).toContain('scope="files:write files:delete"');
  });

  it('reads no message after the first call whose tool is unknown', async () => {
    const read: number[] = [];
    const messages = ['read', undefined, 'write', 'write'].map((name, index) => ({
      get method() {
        read.push(index);
        return 'tools/call';
      },
      params: { name },
    }));
    const { response } = await post(withBody(messages));
    expect(response.status).toBe(403);
    expect(read).toEqual([0, 1]);
  });

  it('looks up each tool once, however often it is called', async () => {
    const messages = Array.from({ length: 1000 }, () => JSON.parse(TEXT));
    const lookups = jest.spyOn(Map.prototype, 'get');
    const { response } = await post(withBody(messages));
    const names = lookups.mock.calls.filter(([name]) => name === 'write');
    lookups.mockRestore();
    expect(response.status).toBe(403);
    expect(names).toHaveLength(1);
  });
});
