import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TokenIntrospectionOptions } from '../../lib/index.js';
import { USER_AGENT, VERSION } from '../../lib/introspection/user-agent.js';
import { github } from '../../lib/providers/index.js';
import { createAuthenticate } from '../support/api.js';
import { ROOT } from '../support/child.js';
import { type Asked, active, createEndpoint, type Endpoint } from '../support/endpoint.js';

/** An authorization server with metadata and keys. Every introspection response is active. */
async function createServer(): Promise<Endpoint> {
  const server: Endpoint = await createEndpoint(({ method, url }: Asked) => {
    const issuer = new URL(server.url).origin;
    if (method === 'POST') return active();
    if (url === '/keys') return { keys: [] };
    return { issuer, introspection_endpoint: `${issuer}/introspect`, jwks_uri: `${issuer}/keys` };
  });
  return server;
}

/** Values of the named headers in the requests of a lookup, by path. */
async function headersSent(server: Endpoint, names: readonly string[], options: Partial<TokenIntrospectionOptions>) {
  const authenticate = createAuthenticate(server, options);
  await authenticate.introspect('token').catch(() => {});
  return Object.fromEntries(server.asked.map(({ url, headers }) => [url, names.map((name) => headers[name])]));
}

const DISCOVERING = { endpoint: undefined };

describe('the User-Agent', () => {
  it('names the version that package.json has', () => {
    const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(VERSION).toBe(version);
    expect(USER_AGENT).toBe(`${name}/${version}`);
  });

  it('is on introspection requests', async () => {
    expect(await headersSent(await createServer(), ['user-agent'], {})).toEqual({ '/introspect': [USER_AGENT] });
  });

  it('is on the requests for metadata', async () => {
    const server = await createServer();
    const authorizationServer = new URL(server.url).origin;
    expect(await headersSent(server, ['user-agent'], { ...DISCOVERING, authorizationServer })).toEqual({
      '/.well-known/oauth-authorization-server': [USER_AGENT],
      '/introspect': [USER_AGENT],
    });
  });

  it('is on the request for keys', async () => {
    const server = await createServer();
    server.script = signedReplies(server);
    const authorizationServer = new URL(server.url).origin;
    const options = { ...DISCOVERING, authorizationServer, jwtResponse: true };
    expect(await headersSent(server, ['user-agent'], options)).toMatchObject({ '/keys': [USER_AGENT] });
  });

  it('is not set by a preset', () => {
    const preset = github({ clientId: 'id', clientSecret: 'secret' });
    expect(Object.keys(preset.headers ?? {}).map((name) => name.toLowerCase())).not.toContain('user-agent');
  });
});

/** Sends a JWT of an unknown key, so that the keys are fetched. */
function signedReplies(server: Endpoint): Endpoint['script'] {
  const script = server.script as (asked: Asked) => object;
  return (asked, res) => {
    if (asked.method !== 'POST') return script(asked);
    res.setHeader('content-type', 'application/token-introspection+jwt');
    const [header, payload] = [{ alg: 'RS256', typ: 'token-introspection+jwt' }, {}].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    res.end(`${header}.${payload}.AAAA`);
    return undefined;
  };
}

describe('the option headers', () => {
  const HEADERS = {
    'User-Agent': 'reports-api',
    'X-Gateway-Key': 'k',
    Accept: 'application/json, text/plain',
    'Content-Language': 'en',
  };
  const NAMES = ['user-agent', 'x-gateway-key', 'accept', 'content-language'];

  it('is sent with introspection requests and the metadata, except headers that do not fit a GET', async () => {
    const server = await createServer();
    const authorizationServer = new URL(server.url).origin;
    const options = { ...DISCOVERING, authorizationServer, headers: HEADERS };
    expect(await headersSent(server, NAMES, options)).toEqual({
      '/.well-known/oauth-authorization-server': ['reports-api', 'k', 'application/json', undefined],
      '/introspect': ['reports-api', 'k', HEADERS.Accept, 'en'],
    });
  });

  it('is sent with requests for keys', async () => {
    const server = await createServer();
    server.script = signedReplies(server);
    const authorizationServer = new URL(server.url).origin;
    const { Accept: _, ...headers } = HEADERS;
    const options = { ...DISCOVERING, authorizationServer, jwtResponse: true, headers };
    expect(await headersSent(server, NAMES, options)).toMatchObject({
      '/keys': ['reports-api', 'k', 'application/jwk-set+json, application/json', undefined],
    });
  });

  it('is not sent with requests for keys on an origin that only the metadata name, except User-Agent', async () => {
    const [server, elsewhere] = [await createServer(), await createEndpoint({ keys: [] })];
    server.script = signedReplies({ ...server, script: async () => metadata });
    const issuer = new URL(server.url).origin;
    const metadata = { issuer, introspection_endpoint: `${issuer}/introspect`, jwks_uri: `${elsewhere.url}/keys` };
    const { Accept: _, ...headers } = HEADERS;
    const options = { ...DISCOVERING, authorizationServer: issuer, jwtResponse: true, headers };
    await headersSent(server, NAMES, options);
    const [keys] = elsewhere.asked;
    expect(NAMES.map((name) => keys?.headers[name])).toEqual([
      'reports-api',
      undefined,
      'application/jwk-set+json, application/json',
      undefined,
    ]);
  });
});
