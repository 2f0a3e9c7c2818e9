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
    ['a middleware that with() derived', server().with({})],
    ['a middleware of several servers', selectServer({ one: server() }, () => 'one')],
    ['the middleware of an MCP server', mcpAuthentication(server({ resourceMetadata: true }))],
  ])('rejects %s as a server, naming it', (_, value) => {
    expect(messageOf({ acme: server(), beta: value })).toMatch('Option "servers.beta" is ');
  });

  it('returns no middleware of one server, even for one server', () => {
    const selecting = selectServer({ one: server({ resourceMetadata: true }) }, () => undefined);
    expect(() => mcpAuthentication(selecting as never)).toThrow('Option "authenticate" is ');
  });

  it('rejects a middleware of several servers', () => {
    const inner = selectServer({ acme: server() }, () => 'acme');
    expect(messageOf({ acme: server(), beta: selectServer({ a: server(), b: server() }, () => 'a') })).toMatch(
      'Option "servers.beta"',
    );
    expect(inner).toBeInstanceOf(Function);
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
