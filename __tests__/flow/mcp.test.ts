import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as StreamableHTTPClientTransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler, McpServer, requireScopes } from '@modelcontextprotocol/server';
import express, { type RequestHandler } from 'express';
import { clientSecretBasic, tokenIntrospection } from '../../lib/index.js';
import { type AuthInfo, mcpAuthentication, mcpTokenVerifier, requireToolScopes } from '../../lib/mcp/index.js';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';
import { type RunningAuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js';
import { createProvider, login, type Provider } from '../support/mcp-client.js';
import { REQUIRE_BEARER_AUTH, SDK_ERRORS } from '../support/mcp-sdk.js';
import { createUserAgent } from '../support/user-agent.js';

const CLOSING: (() => unknown)[] = [];

let as: RunningAuthorizationServer;

beforeAll(async () => {
  as = await startAuthorizationServer();
}, 30_000);

afterEach(async () => {
  for (const close of CLOSING.splice(0).reverse()) await close();
});

const whoAmI = (authInfo: AuthInfo | undefined) => ({
  content: [{ type: 'text' as const, text: JSON.stringify([authInfo?.extra.sub, authInfo?.scopes]) }],
});
const done = () => ({ content: [{ type: 'text' as const, text: 'written' }] });

/** The type of its parameters in an app that declares no other `req.auth`. */
type Handle = (req: IncomingMessage, res: ServerResponse, body: unknown) => Promise<void>;

/** An MCP server behind authentication. One of its tools requires another scope. */
const SERVERS: Record<string, (authentication: RequestHandler) => RequestHandler[]> = {
  'version 1': (authentication) => {
    return [
      authentication,
      express.json(),
      requireToolScopes({ write: ['files:write'] }),
      async (req, res) => {
        const server = new McpServerV1({ name: 'files', version: '1.0.0' });
        server.registerTool('who', {}, ({ authInfo }) => whoAmI(authInfo as AuthInfo | undefined));
        server.registerTool('write', {}, done);
        const transport = new StreamableHTTPServerTransport({});
        res.on('close', () => server.close());
        await server.connect(transport as Parameters<typeof server.connect>[0]);
        await transport.handleRequest(req as IncomingMessage, res, req.body);
      },
    ];
  },
  'version 2': (authentication) => {
    const handler = createMcpHandler(() => {
      const server = new McpServer({ name: 'files', version: '1.0.0' });
      server.registerTool('who', {}, ({ http }) => whoAmI(http?.authInfo as AuthInfo | undefined));
      server.registerTool('write', { scopeChallenge: requireScopes('files:write') }, done);
      return server;
    });
    const handle = toNodeHandler(handler) as unknown as Handle;
    return [authentication, express.json(), (req, res) => handle(req, res, req.body)];
  },
};

interface Connection {
  connect(): Promise<void>;
  /** Passes the parameters with which the authorization server redirected the browser back. */
  finishAuth(answer: URLSearchParams): Promise<void>;
  call(tool: string): Promise<string>;
}

type Connect = (url: URL, provider: Provider, fetch: typeof globalThis.fetch) => Connection;

const CLIENTS: Record<string, Connect> = {
  'version 1': (url, authProvider, fetch) => {
    const client = new ClientV1({ name: 'test', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransportV1(url, { authProvider, fetch });
    CLOSING.push(() => client.close());
    return {
      connect: () => client.connect(transport as Parameters<typeof client.connect>[0]),
      finishAuth: (answer) => transport.finishAuth(answer.get('code') ?? ''),
      call: async (name) => textOf(await client.callTool({ name })),
    };
  },
  'version 2': (url, authProvider, fetch) => {
    const client = new Client({ name: 'test', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(url, { authProvider, fetch });
    CLOSING.push(() => client.close());
    return {
      connect: () => client.connect(transport),
      finishAuth: (answer) => transport.finishAuth(answer),
      call: async (name) => textOf(await client.callTool({ name })),
    };
  },
};

const textOf = (result: object): string => (result as { content: { text: string }[] }).content[0]?.text ?? '';

/** An MCP server on its own port, which is part of its audience. */
async function startMcpServer(
  createHandlers: (authentication: RequestHandler) => RequestHandler[],
  authenticationOf: (authenticate: ReturnType<typeof tokenIntrospection>) => RequestHandler,
) {
  let listener: RequestListener | undefined;
  const server = createServer((req, res) => listener?.(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const resource = `${origin}/mcp`;
  const authenticate = tokenIntrospection({
    endpoint: as.introspectionEndpoint,
    clientAuth: clientSecretBasic(as.resourceServer.clientId, as.resourceServer.clientSecret),
    audience: resource,
    resourceMetadata: true,
    scopes: ['files:read'],
  });
  const app = express();
  app.use(protectedResourceMetadata(authenticate, { authorization_servers: [as.issuer] }));
  app.use('/mcp', ...createHandlers(authenticationOf(authenticate)));
  listener = app;
  CLOSING.push(async () => {
    await authenticate.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: new URL(resource), authenticate };
}

/** The challenges that the server sent. */
function recordChallenges(url: URL) {
  const challenges: string[] = [];
  const recordingFetch: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const challenge = response.headers.get('www-authenticate');
    if (String(input) === url.href && challenge !== null) challenges.push(`${response.status} ${challenge}`);
    return response;
  };
  return { challenges, fetch: recordingFetch };
}

async function revoke({ kept }: Provider): Promise<void> {
  const body = new URLSearchParams({
    token: String(kept.tokens?.access_token),
    client_id: String(kept.client?.client_id),
  });
  const { status } = await fetch(as.revocationEndpoint, { method: 'POST', body });
  expect(status).toBe(200);
}

const [[, requireBearerAuthV1], [, requireBearerAuthV2]] = REQUIRE_BEARER_AUTH as [
  (typeof REQUIRE_BEARER_AUTH)[number],
  (typeof REQUIRE_BEARER_AUTH)[number],
];

describe.each(Object.keys(SERVERS))("an MCP server and client of the SDK's %s", (version) => {
  it('find the authorization server from the 401, get a token, call a tool, get another scope, and stop when the token is revoked', async () => {
    const { url, authenticate } = await startMcpServer(SERVERS[version] as never, mcpAuthentication);
    const metadata = `resource_metadata="${url.origin}/.well-known/oauth-protected-resource/mcp"`;
    const [provider, agent] = [createProvider(), createUserAgent()];
    const { challenges, fetch } = recordChallenges(url);
    const open = () => (CLIENTS[version] as Connect)(url, provider, fetch);

    // Discovery, dynamic registration and the authorization request, all from one challenge.
    const first = open();
    await expect(first.connect()).rejects.toThrow('Unauthorized');
    expect(challenges.splice(0)).toEqual([`401 Bearer realm="api", scope="files:read", ${metadata}`]);
    const { asked, answer } = await login(agent, provider);
    expect(Object.fromEntries(asked)).toMatchObject({
      resource: url.href,
      scope: 'files:read',
      code_challenge_method: 'S256',
    });
    await first.finishAuth(answer);

    const client = open();
    await client.connect();
    expect(JSON.parse(await client.call('who'))).toEqual(['alice', ['files:read']]);
    expect(authenticate.stats().endpointCalls).toBe(1);
    expect(challenges).toEqual([]);

    // The tool requires another scope, so the client requests both and repeats the call.
    await expect(client.call('write')).rejects.toThrow();
    expect(challenges[0]).toMatch(/^403 Bearer .*error="insufficient_scope"/);
    expect(challenges[0]).toContain(metadata);
    expect(challenges.splice(0)[0]).toMatch(/scope="(?:files:read )?files:write"/);
    const stepUp = await login(agent, provider);
    expect(stepUp.asked.get('scope')?.split(' ')).toContain('files:write');
    await client.finishAuth(stepUp.answer);
    expect(await client.call('write')).toBe('written');

    // A revoked token is rejected once the server has asked again.
    await revoke(provider);
    await authenticate.invalidate({ token: String(provider.kept.tokens?.access_token) });
    await expect(client.call('who')).rejects.toThrow('Unauthorized');
    expect(challenges[0]).toMatch(/^401 Bearer .*error="invalid_token"/);
    expect(challenges[0]).toContain(metadata);
  }, 60_000);
});

describe.each([
  ['version 1', requireBearerAuthV1],
  ['version 2', requireBearerAuthV2],
] as const)("the SDK's own middleware of %s, with our verifier", (version, requireBearerAuth) => {
  it('accepts a token of the real authorization server, and rejects it once it is revoked', async () => {
    const { url, authenticate } = await startMcpServer(SERVERS[version] as never, (authenticate) =>
      requireBearerAuth({
        verifier: mcpTokenVerifier(authenticate, { errors: SDK_ERRORS[version] }),
        requiredScopes: ['files:read'],
        resourceMetadataUrl: 'http://127.0.0.1:9/metadata',
      }),
    );
    const [provider, agent] = [createProvider(), createUserAgent()];
    const { challenges, fetch: recordingFetch } = recordChallenges(url);
    // The metadata document is only at the address in the challenge.
    const located: typeof fetch = (input, init) =>
      String(input) === 'http://127.0.0.1:9/metadata'
        ? fetch(new URL('/.well-known/oauth-protected-resource/mcp', url), init)
        : recordingFetch(input, init);
    const open = () => (CLIENTS[version] as Connect)(url, provider, located);
    const first = open();
    await expect(first.connect()).rejects.toThrow('Unauthorized');
    await first.finishAuth((await login(agent, provider)).answer);
    const client = open();
    await client.connect();
    expect(JSON.parse(await client.call('who'))).toEqual(['alice', ['files:read']]);
    await revoke(provider);
    await authenticate.invalidate({ token: String(provider.kept.tokens?.access_token) });
    challenges.length = 0;
    await expect(client.call('who')).rejects.toThrow('Unauthorized');
    expect(challenges[0]).toMatch(/^401 Bearer error="invalid_token"/);
  }, 60_000);
});
