import { clientSecretBasic, tokenIntrospection } from '../../lib/index.js';
import { createSharedMemory } from '../support/shared-memory.js';

const ENTRY = {
  endpoint: 'https://as.example.com/introspect',
  clientAuth: clientSecretBasic('api', 'secret'),
  audience: 'https://api.example.com',
};
const GOOD = { authorizationServers: { acme: ENTRY }, select: () => 'acme' };

function refusal(options: object): string {
  try {
    void tokenIntrospection(options as never).close();
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  throw new Error('It was taken');
}

describe('options for several authorization servers', () => {
  it('accepts deeply frozen options, so it changes none of them', async () => {
    const servers = Object.freeze({
      acme: Object.freeze({ ...ENTRY, audience: undefined }),
      beta: Object.freeze(ENTRY),
    });
    const options = Object.freeze({
      ...GOOD,
      authorizationServers: servers,
      audience: 'x',
      scopes: Object.freeze(['read']),
      realm: 'shop',
      optional: true,
      onReject: undefined,
      clock: undefined,
    });
    const authenticate = tokenIntrospection(options as never) as never as {
      servers: object;
      close(): Promise<void>;
    };
    expect(Object.keys(authenticate.servers)).toEqual(['acme', 'beta']);
    await authenticate.close();
  });

  it.each([
    [{ authorizationServers: {} }, 'authorizationServers'],
    [{ authorizationServers: [ENTRY] }, 'authorizationServers'],
    [{ authorizationServers: 'https://as.example.com' }, 'authorizationServers'],
    [{ authorizationServers: null }, 'authorizationServers'],
    [{ authorizationServers: new Map([['acme', ENTRY]]) }, 'authorizationServers'],
    [{ select: undefined }, 'select'],
    [{ select: 'acme' }, 'select'],
    [{ realm: 5 }, 'realm'],
    [{ clock: {} }, 'clock'],
    [{ selekt: () => 'acme' }, 'selekt'],
    [{ getToken: () => 'a', tokenFromBody: true }, 'tokenFromBody'],
    [{ dpop: true }, 'dpop.origin'],
  ])('throw for %j and name the option', (wrong, name) => {
    expect(refusal({ ...GOOD, ...wrong })).toMatch(`Option "${name}" is `);
  });

  it.each([
    'endpoint',
    'authorizationServer',
    'clientAuth',
    'issuer',
    'cache',
    'timeoutMs',
    'normalizeResponse',
    'jwtResponse',
  ])('throw for "%s" beside the servers, because it belongs in each of them', (name) => {
    const message = refusal({ ...GOOD, [name]: name === 'cache' ? {} : 'https://as.example.com' });
    expect(message).toMatch(`Option "${name}" is `);
    expect(message).toMatch(/write it in each of "authorizationServers"$/);
  });

  it.each([
    ['optional', true],
    ['tokenFromBody', true],
    ['getToken', () => 'a'],
    ['dpop', true],
    ['dpop', false],
    ['mtls', true],
    ['mtls', false],
    ['realm', 'x'],
    ['resourceMetadata', 'https://api.example.com/'],
    ['onReject', () => {}],
    ['clock', Date],
  ])('throw for "%s" in a server, because it is read before the server is selected', (name, value) => {
    const clock = { now: () => 0, monotonic: () => 0 };
    const wrong = { ...ENTRY, [name]: name === 'clock' ? clock : value };
    const message = refusal({ ...GOOD, authorizationServers: { acme: ENTRY, beta: wrong } });
    expect(message).toMatch(`authorizationServers.beta: Option "${name}" is `);
    expect(message).toMatch(/write it beside "authorizationServers": it is one for all$/);
  });

  it.each([
    [{ endpoint: undefined }, 'Option "endpoint" is missing'],
    [{ clientAuth: undefined }, 'Option "clientAuth" is missing'],
    [{ audience: undefined }, 'Option "audience" is missing'],
    [{ endpoint: 'http://as.example.com/' }, 'Option "endpoint" is a string that cannot be used'],
    [{ authorizationServers: { acme: ENTRY } }, 'Option "authorizationServers" is not known here'],
    [{ select: () => 'acme' }, 'Option "select" is not known here'],
    [{ cache: { secrets: ['s'.repeat(32)] } }, 'Option "cache.secrets" is '],
    [{ cache: { store: createSharedMemory().connect() } }, 'Option "cache.secrets" is missing'],
  ])('throw when a server is invalid (%j), and name the server', (wrong, expected) => {
    const message = refusal({ ...GOOD, authorizationServers: { acme: ENTRY, beta: { ...ENTRY, ...wrong } } });
    expect(message).toMatch(`authorizationServers.beta: ${expected}`);
  });

  it.each([
    null,
    'https://as.example.com',
    [],
    new (class Entry {
      endpoint = 'x';
    })(),
    () => ENTRY,
  ])('throw when a server is no plain object: %p', (entry) => {
    expect(refusal({ ...GOOD, authorizationServers: { acme: entry } })).toMatch(
      /^authorizationServers\.acme: Option "options" is .*; write a plain object$/,
    );
  });

  it('throw errors without secrets', () => {
    const wrong = { ...ENTRY, cache: { store: createSharedMemory().connect(), secrets: ['hunter2'] } };
    expect(refusal({ ...GOOD, authorizationServers: { acme: wrong } })).not.toContain('hunter2');
  });

  it('are copied: later changes have no effect', async () => {
    const servers: Record<string, object> = { acme: { ...ENTRY } };
    const authenticate = tokenIntrospection({ ...GOOD, authorizationServers: servers } as never) as never as {
      servers: object;
      close(): Promise<void>;
    };
    servers.beta = ENTRY;
    expect(Object.keys(authenticate.servers)).toEqual(['acme']);
    await authenticate.close();
  });
});
