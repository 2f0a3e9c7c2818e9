import express, { type RequestHandler } from 'express';
import express4 from 'express4';
import request from 'supertest';
import { requireFresh, requireScope } from '../../lib/index.js';
import { mcpAuthentication, requireToolScopes } from '../../lib/mcp/index.js';
import { createApp, createAuthenticate } from '../support/api.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { published } from '../support/published.js';

const AUDIENCE = 'https://mcp.example.com/mcp';

async function createMcp(scope: string, ...guards: RequestHandler[]) {
  const endpoint = await createEndpoint(active({ aud: AUDIENCE, scope }));
  const authenticate = published(createAuthenticate(endpoint, { audience: AUDIENCE, scopes: ['files:read'] }));
  const app = createApp(mcpAuthentication(authenticate), express.json(), ...guards);
  const send = (body: object) => request(app.app).post('/').set('Authorization', 'Bearer abc').send(body);
  return { ...app, endpoint, send };
}

const call = (name: unknown) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } });
const guard = requireToolScopes({ write: ['files:write'], remove: ['files:write', 'files:delete'] });

describe('requireToolScopes', () => {
  it('answers 403 to a call of a tool when a scope is missing, and names all required scopes', async () => {
    const mcp = await createMcp('files:read files:list files:write', requireScope('files:list'), guard);
    const { headers } = await mcp.send(call('remove')).expect(403);
    expect(headers['www-authenticate']).toContain(
      'error="insufficient_scope", error_description="The access token does not grant what this resource requires", scope="files:read files:list files:write files:delete", resource_metadata=',
    );
    expect(mcp.reached()).toBe(0);
  });

  it('accepts the call when all scopes are granted', async () => {
    await (await createMcp('files:read files:write', guard)).send(call('write')).expect(200);
  });

  it.each([
    ['another tool', call('read')],
    ['a tool with the name of a member of all objects', call('constructor')],
    ['another method', { ...call('write'), method: 'tools/list' }],
    ['another method without parameters', { jsonrpc: '2.0', id: 1, method: 'tools/list' }],
    ['no message at all', [null, 1, 'write']],
  ])('accepts %s', async (_what, message) => {
    await (await createMcp('files:read', guard)).send(message).expect(200);
  });

  // Some parsers make the members of a `__proto__` members of the object itself.
  it.each([
    [
      'its name only where a parser would inherit it',
      '{"method":"tools/call","params":{"__proto__":{"name":"write"}}}',
    ],
    ['its method there', '{"__proto__":{"method":"tools/call","params":{"name":"write"}}}'],
    ['its parameters there', '{"method":"tools/call","__proto__":{"params":{"name":"write"}}}'],
    ['a name that is no string', '{"method":"tools/call","params":{"name":["write"]}}'],
    ['no name', '[{"method":"tools/call","params":{}}]'],
    ['no parameters', '{"method":"tools/call"}'],
  ])('requires the scopes of every tool when a call has %s', async (_what, text) => {
    const mcp = await createMcp('files:read files:write', guard);
    const send = () =>
      request(mcp.app).post('/').set('Authorization', 'Bearer abc').type('application/json').send(text);
    const { headers } = await send().expect(403);
    expect(headers['www-authenticate']).toContain('scope="files:read files:write files:delete"');
    expect(mcp.reached()).toBe(0);
    mcp.endpoint.script = active({ aud: AUDIENCE, scope: 'files:read files:write files:delete' });
    await send().set('Authorization', 'Bearer def').expect(200);
  });

  it('checks every message of a batch and names all their scopes in one challenge', async () => {
    const batch = [call('read'), call('write'), call('remove')];
    const mcp = await createMcp('files:read', guard);
    const { headers } = await mcp.send(batch).expect(403);
    expect(headers['www-authenticate']).toContain('scope="files:read files:write files:delete"');
    expect(mcp.reached()).toBe(0);
  });

  it('accepts requests without a message: streams, and the end of a session', async () => {
    const { app } = await createMcp('files:read', guard);
    for (const method of ['get', 'delete'] as const) {
      await request(app)[method]('/').set('Authorization', 'Bearer abc').expect(200);
    }
  });

  it('answers 415 when the body was not parsed, so that no message passes unread', async () => {
    const mcp = await createMcp('files:read files:write', guard);
    const text = JSON.stringify(call('write'));
    const unparsed = request(mcp.app).post('/').set('Authorization', 'Bearer abc').type('text/plain; application/json');
    await unparsed.send(text).expect(415);
    expect(mcp.reached()).toBe(0);
  });

  it('answers 415 when Express 4 has an empty object instead of an unparsed body', async () => {
    const endpoint = await createEndpoint(active({ aud: AUDIENCE }));
    const authenticate = published(createAuthenticate(endpoint, { audience: AUDIENCE }));
    const app = express4();
    let reached = 0;
    app.set('env', 'test');
    app.use(mcpAuthentication(authenticate), express4.json(), guard, (_req, res) => {
      reached++;
      res.end();
    });
    const send = () => request(app).post('/').set('Authorization', 'Bearer abc');
    await send()
      .type('text/plain; application/json')
      .send(JSON.stringify(call('write')))
      .expect(415);
    for (const nothing of [{}, []]) await send().send(nothing).expect(415);
    expect(reached).toBe(0);
  });

  it('checks again when a guard behind it fetches a fresh response', async () => {
    const mcp = await createMcp('files:read files:write', guard, requireFresh({ maxAgeSeconds: 0 }));
    await mcp.send(call('write')).expect(200);
    mcp.endpoint.script = active({ aud: AUDIENCE, scope: 'files:read' });
    await mcp.send(call('write')).expect(403);
  });

  it('fails when no authentication ran before it', async () => {
    const app = createApp(express.json(), guard);
    for (const tool of ['write', 'read']) await request(app.app).post('/').send(call(tool)).expect(500);
    await request(app.app).get('/').expect(500);
    expect(app.reached()).toBe(0);
  });

  it('names itself in decisions', async () => {
    const mcp = await createMcp('files:read', guard);
    const decisions = recordDecisions();
    await mcp.send(call('read')).expect(200);
    await mcp.send(call('write')).expect(403);
    expect(decisions.map(({ by, outcome }) => [by, outcome])).toEqual([
      ['tokenIntrospection', 'accepted'],
      ['requireToolScopes', 'accepted'],
      ['tokenIntrospection', 'accepted'],
      ['requireToolScopes', 'rejected'],
    ]);
  });

  it.each([
    [undefined, 'tools'],
    [null, 'tools'],
    ['write', 'tools'],
    [{}, 'tools'],
    [[['files:write']], 'tools'],
    [new Map([['write', ['files:write']]]), 'tools'],
    [{ write: [] }, 'scopes'],
    [{ write: ['a b'] }, 'scopes'],
    [{ write: 'files:write' }, 'write'],
  ])('throws a TypeError for %j', (tools, name) => {
    expect(() => requireToolScopes(tools as never)).toThrow(TypeError);
    expect(() => requireToolScopes(tools as never)).toThrow(`Option "${name}"`);
  });
});
