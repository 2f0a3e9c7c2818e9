import { selectServer, type TokenIntrospectionOptions, tokenIntrospection } from '../../lib/index.js';
import { mcpAuthentication } from '../../lib/mcp/index.js';

const OPTIONS: TokenIntrospectionOptions = {
  endpoint: 'https://as.example.com/introspect',
  clientAuth: { identity: 'api', sign() {} },
  audience: 'https://api.example.com',
};

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

function server(options: Partial<TokenIntrospectionOptions> = {}) {
  const middleware = tokenIntrospection({ ...OPTIONS, ...options } as TokenIntrospectionOptions);
  closing.push(() => middleware.close());
  return middleware;
}

/** The text of the TypeError for these servers. */
function messageOf(servers: unknown, select: unknown = () => 'acme'): string {
  try {
    selectServer(servers as never, select as never);
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  throw new Error('The servers were accepted');
}

describe('selectServer', () => {
  it.each([
    ['nothing', undefined],
    ['no server', {}],
    ['a list', [server]],
    ['a URL', 'https://as.example.com'],
    ['a Map', new Map()],
  ])('rejects %s as servers', (_, servers) => {
    expect(messageOf(servers)).toMatch(/^Option "servers" is .*write \{ name: tokenIntrospection\(\{ … \}\), … \}$/);
  });

  it.each([
    ['options', OPTIONS],
    ['a function of the app', () => {}],
    ['null', null],
    ['the middleware of an MCP server', mcpAuthentication(server({ resourceMetadata: true }))],
  ])('rejects %s as a server, naming it', (_, value) => {
    expect(messageOf({ acme: server(), beta: value })).toMatch('Option "servers.beta" is ');
  });

  it('returns no middleware of one server, even for one server', () => {
    const selecting = selectServer({ one: server({ resourceMetadata: true }) }, () => undefined);
    expect(() => mcpAuthentication(selecting as never)).toThrow('Option "authenticate" is ');
  });

  it.each([
    ['several servers', () => ({ a: server(), b: server() })],
    ['a single server, whose selector would not be called', () => ({ a: server() })],
  ])('rejects a middleware that selects from %s', (_, servers) => {
    const beta = selectServer(servers(), () => undefined);
    expect(messageOf({ beta })).toMatch('Option "servers.beta"');
    expect(messageOf({ acme: server(), beta })).toMatch('Option "servers.beta"');
  });

  it('rejects a derived middleware, which cannot be closed', () => {
    expect(messageOf({ acme: server(), beta: server().with({}) })).toMatch('Option "servers.beta"');
  });

  it.each([
    ['nothing', undefined],
    ['a name', 'acme'],
  ])('rejects %s as the function that selects', (_, select) => {
    expect(messageOf({ acme: server() }, select ?? null)).toMatch('Option "select" is ');
  });

  it.each<[string, Partial<TokenIntrospectionOptions>]>([
    ['optional', { optional: true }],
    ['tokenFromBody', { tokenFromBody: true }],
    ['getToken', { getToken: () => 'a' }],
    ['dpop', { dpop: true }],
    ['mtls', { mtls: true }],
    ['realm', { realm: 'x' }],
    ['resourceMetadata', { resourceMetadata: 'https://api.example.com/metadata' }],
    ['onReject', { onReject() {} }],
  ])('rejects servers that differ by "%s", because a request is read and answered in one way', (name, options) => {
    const message = messageOf({ acme: server(), beta: server(options) });
    expect(message).toMatch(`Option "servers.beta.${name}" is `);
    expect(message).toMatch(/write the same as for "acme"/);
    expect(messageOf({ acme: server(options), beta: server() })).toMatch(`Option "servers.beta.${name}" is `);
    const same = selectServer({ acme: server(options), beta: server(options) }, () => 'acme');
    expect(same).toBeInstanceOf(Function);
  });

  it.each<[string, string, () => Partial<TokenIntrospectionOptions>]>([
    ['getToken', 'getToken', () => ({ getToken: () => undefined })],
    ['onReject', 'onReject', () => ({ onReject() {} })],
    ['dpop.origin', 'dpop', () => ({ dpop: { origin: () => 'https://api.example.com' } })],
    ['mtls.certificate', 'mtls', () => ({ mtls: { certificate: () => undefined } })],
  ])('rejects two functions as "%s", even if they read the same', (_, name, options) => {
    expect(messageOf({ acme: server(options()), beta: server(options()) })).toMatch(`Option "servers.beta.${name}"`);
  });

  it('rejects servers whose proofs would be for different origins', () => {
    const [acme, beta] = ['https://a.example.com', 'https://b.example.com'].map((audience) => server({ audience }));
    const [first, second] = ['https://a.example.com', 'https://b.example.com'].map((audience) =>
      server({ audience, dpop: true }),
    );
    expect(messageOf({ acme: first, beta: second })).toMatch('Option "servers.beta.dpop.origin" is ');
    const both = selectServer({ acme, beta } as never, () => undefined);
    expect(() => both.with({ dpop: true })).toThrow('Option "servers.beta.dpop.origin" is ');
    expect(() => both.with({ resourceMetadata: true })).toThrow('Option "servers.beta.resourceMetadata" is ');
  });

  it('rejects an object of options that was changed between the creation of two servers', () => {
    const dpop = { origin: 'https://a.example.com' };
    const acme = server({ dpop });
    dpop.origin = 'https://b.example.com';
    expect(messageOf({ acme, beta: server({ dpop }) })).toMatch('Option "servers.beta.dpop');
  });

  it('rejects servers with different clocks', () => {
    const clock = { now: () => 0, monotonic: () => 0 };
    expect(messageOf({ acme: server(), beta: server({ clock }) })).toMatch('Option "servers.beta.clock" is ');
  });

  it('rejects servers whose metadata would be at different URLs', () => {
    const [acme, beta] = ['https://a.example.com', 'https://b.example.com'].map((audience) =>
      server({ audience, resourceMetadata: true }),
    );
    expect(messageOf({ acme, beta })).toMatch('Option "servers.beta.resourceMetadata"');
  });

  it('accepts servers that differ in everything else', () => {
    const beta = server({ scopes: ['admin'], issuer: 'https://as.beta.example', cache: false, timeoutMs: 500 });
    expect(selectServer({ acme: server(), beta }, () => 'beta')).toBeInstanceOf(Function);
  });
});
