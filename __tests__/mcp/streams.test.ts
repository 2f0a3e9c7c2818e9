import type { IncomingMessage, ServerResponse } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express, { type RequestHandler } from 'express';
import { mcpAuthentication, tokenEndedEvent } from '../../lib/mcp/index.js';
import { endWithToken } from '../../lib/streams/index.js';
import { createAuthenticate } from '../support/api.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { published } from '../support/published.js';
import { serve } from '../support/serve.js';
import { until } from '../support/until.js';

const AUDIENCE = 'https://mcp.example.com/mcp';

type Handle = (req: IncomingMessage, res: ServerResponse, body: unknown) => Promise<void>;

/** A handler of the SDK whose tool `slow` never returns. It calls `onCall`, and may send a notification before. */
const HANDLERS: Record<string, (onCall: (signal?: AbortSignal) => void, notifies: boolean) => Handle> = {
  'version 1': (onCall, notifies) => async (req, res, body) => {
    const server = new McpServerV1({ name: 'slow', version: '1.0.0' }, { capabilities: { logging: {} } });
    server.registerTool('slow', {}, async (extra) => {
      if (notifies) {
        const params = { level: 'info' as const, data: 'started' };
        await extra.sendNotification({ method: 'notifications/message', params });
      }
      onCall();
      return new Promise(() => {});
    });
    const transport = new StreamableHTTPServerTransport({});
    res.on('close', () => server.close());
    await server.connect(transport as Parameters<typeof server.connect>[0]);
    await transport.handleRequest(req, res, body);
  },
  'version 2': (onCall) =>
    toNodeHandler(
      createMcpHandler(() => {
        const server = new McpServer({ name: 'slow', version: '1.0.0' });
        server.registerTool('slow', {}, ({ mcpReq }) => {
          onCall(mcpReq.signal);
          return new Promise(() => {});
        });
        return server;
      }),
    ) as unknown as Handle,
};

async function start(version: string, notifies: boolean) {
  const called = createDeferred<AbortSignal | undefined>();
  const authenticate = published(
    createAuthenticate(await createEndpoint(active({ aud: AUDIENCE })), { audience: AUDIENCE }),
  );
  const handle = (HANDLERS[version] as (typeof HANDLERS)[string])(called.resolve, notifies);
  const app = express();
  const responses: ServerResponse[] = [];
  const run: RequestHandler = (req, res) => {
    responses.push(res);
    if (endWithToken(req, res, { lastEvent: tokenEndedEvent(req.body) })) void handle(req, res, req.body);
  };
  app.all('/mcp', mcpAuthentication(authenticate), express.json(), run);
  const { url } = await serve(app);
  const client = new Client({ name: 'test', version: '1.0.0' });
  const headers = { Authorization: 'Bearer abc' };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
  return { client, called: called.promise, authenticate, responses };
}

describe.each([
  ['version 1', true, 'The access token has expired or was revoked'],
  ['version 1', false, 'The access token is not valid'],
  ['version 2', false, 'The access token is not valid'],
])('a long tool call of a server with %s of the SDK (its stream has begun: %s)', (version, notifies, message) => {
  it('ends with an error when its token is revoked, and the client does not wait for its result', async () => {
    const { client, called, authenticate, responses } = await start(version, notifies);
    const call = client.callTool({ name: 'slow', arguments: {} });
    const failure = call.then(
      () => 'it returned',
      (error: unknown) => String(error),
    );
    const signal = await called;
    if (notifies) await until(() => responses.at(-1)?.headersSent === true);
    await authenticate.invalidate({ token: 'abc' });
    expect(await failure).toContain(message);
    await until(() => signal?.aborted !== false);
    await client.close().catch(() => {});
  });
});

describe('tokenEndedEvent', () => {
  const error = { code: -32000, message: 'The access token has expired or was revoked' };
  const event = (id: unknown) => `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, error })}\n\n`;

  it.each<[string, unknown, string | undefined]>([
    ['a request', { jsonrpc: '2.0', id: 7, method: 'tools/call' }, event(7)],
    ['a request with a text as id', { id: 'a\n\nb', method: 'x' }, event('a\n\nb')],
    ['several requests', [{ id: 1, method: 'x' }, { method: 'y' }, { id: 2, method: 'z' }], event(1) + event(2)],
    ['a notification', { method: 'notifications/initialized' }, undefined],
    ['a response', { id: 1, result: {} }, undefined],
    ['an id that is no text or number', { id: { x: 1 }, method: 'x' }, undefined],
    ['no body', undefined, undefined],
    ['a text', 'x', undefined],
  ])('of %s', (_what, body, expected) => {
    expect(tokenEndedEvent(body)).toBe(expected);
  });
});
