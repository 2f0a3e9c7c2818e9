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

describe('the headers Mcp-Method and Mcp-Name', () => {
  const headers = (method?: string, name?: string) => ({
    ...(method !== undefined && { 'Mcp-Method': method }),
    ...(name !== undefined && { 'Mcp-Name': name }),
  });
  const encoded = (name: string) => `=?base64?${Buffer.from(name).toString('base64')}?=`;
  const read = (uri: string) => ({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri } });

  it.each<[string, object, Record<string, string>]>([
    ['are absent', call('read'), {}],
    ['agree', call('read'), headers('tools/call', 'read')],
    ['agree, and the name is encoded', call('lesen für alle'), headers('tools/call', encoded('lesen für alle'))],
    ['agree, and only the method is there', call('read'), headers('tools/call')],
    ['agree, and only the name is there', call('read'), headers(undefined, 'read')],
    ['name the URI of a resource', read('file:///a'), headers('resources/read', 'file:///a')],
    ['belong to a method without a name', { jsonrpc: '2.0', id: 1, method: 'ping' }, headers('ping', 'anything')],
  ])('accept a request when they %s', async (_when, body, set) => {
    await (await createMcp('files:read', guard)).send(body).set(set).expect(200);
  });

  it.each<[string, object, Record<string, string>]>([
    ['name another tool', call('write'), headers('tools/call', 'read')],
    ['name another method', call('write'), headers('tools/list')],
    ['differ only in case', call('read'), headers('tools/call', 'Read')],
    ['name a tool, and the body names none', { method: 'tools/call' }, headers('tools/call', 'read')],
    ['name another resource', read('file:///a'), headers('resources/read', 'file:///b')],
    ['cannot be decoded', call('read'), headers('tools/call', '=?base64?/w==?=')],
    ['come with a list of messages', [call('read')], headers('tools/call', 'read')],
    ['come with a response', { jsonrpc: '2.0', id: 1, result: {} }, headers('tools/call')],
    ['name a method that a parser may inherit', JSON.parse('{"__proto__":{"method":"ping"}}'), headers('ping')],
  ])('are rejected with 400 and a JSON-RPC error when they %s', async (_when, body, set) => {
    const mcp = await createMcp('files:read files:write files:delete', guard);
    const { body: answer } = await mcp.send(body).set(set).expect(400);
    expect(answer).toMatchObject({ jsonrpc: '2.0', error: { code: -32020 } });
    expect(answer.id).toBe('id' in body ? 1 : null);
    expect(mcp.reached()).toBe(0);
  });

  it('are rejected when they are repeated', async () => {
    const mcp = await createMcp('files:read', guard);
    await mcp
      .send(call('read'))
      .set('Mcp-Name', ['read', 'read'] as never)
      .expect(400);
  });

  it('let beforeBody reject a call before its body is parsed, with all scopes in one challenge', async () => {
    let parsed = 0;
    const endpoint = await createEndpoint(active({ aud: AUDIENCE, scope: 'files:read' }));
    const authenticate = published(createAuthenticate(endpoint, { audience: AUDIENCE, scopes: ['files:read'] }));
    const countParsed: RequestHandler = (_req, _res, next) => {
      parsed++;
      next();
    };
    const before = [mcpAuthentication(authenticate), requireScope('files:read'), guard.beforeBody];
    const { app, reached } = createApp(...before, countParsed, express.json(), guard);
    const send = (body: object, set: Record<string, string>) =>
      request(app).post('/').set('Authorization', 'Bearer abc').set(set).send(body);
    const rejected = await send(call('remove'), headers('tools/call', 'remove')).expect(403);
    expect(rejected.headers['www-authenticate']).toContain('scope="files:read files:write files:delete"');
    expect([parsed, reached()]).toEqual([0, 0]);
    await send(call('remove'), headers('tools/call', 'read')).expect(400);
    await send(call('remove'), {}).expect(403);
    await send(call('read'), headers('tools/call', 'read')).expect(200);
    await send(call('read'), headers('tools/list', 'remove')).expect(400);
    expect([parsed, reached()]).toEqual([4, 1]);
  });

  it('let no call pass beforeBody without authentication', async () => {
    const { app, reached } = createApp(guard.beforeBody);
    await request(app).post('/').set(headers('tools/call', 'read')).send(call('read')).expect(500);
    expect(reached()).toBe(0);
  });
});
