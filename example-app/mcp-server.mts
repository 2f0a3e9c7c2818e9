import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express, { type Router } from 'express';
import { clientSecretBasic, type RootTokenIntrospection, tokenIntrospection } from 'express-token-introspection';
import { mcpAuthentication, requireToolScopes, tokenEndedEvent } from 'express-token-introspection/mcp';
import { protectedResourceMetadata } from 'express-token-introspection/metadata';
import { endWithToken } from 'express-token-introspection/streams';
import { z } from 'zod';
import { type AuthorizationServer, MCP_SCOPES } from './authorization-server.mjs';

/** An MCP server with two tools at this URL. Returns its routes for the app, and the middleware that protects them. */
export function createMcp(as: AuthorizationServer, url: URL): { routes: Router; authenticate: RootTokenIntrospection } {
  const { clientId, clientSecret } = as.resourceServer;
  const authenticate = tokenIntrospection({
    endpoint: as.introspectionEndpoint,
    clientAuth: clientSecretBasic(clientId, clientSecret),
    // The canonical URL of this server. It rejects tokens for the API, and the API rejects tokens for this server.
    audience: url.href,
    // Challenges send clients to the metadata, where they learn which authorization server to ask.
    resourceMetadata: true,
    scopes: ['files:read'],
    realm: 'mcp',
  });

  const routes = express.Router();

  routes.use(
    protectedResourceMetadata(authenticate, { authorization_servers: [as.issuer], scopes_supported: MCP_SCOPES }),
  );

  const handle = toNodeHandler(createMcpHandler(createServer));
  const tools = requireToolScopes({ write_file: ['files:write'] });
  routes.use(
    url.pathname,
    allowBrowsers,
    mcpAuthentication(authenticate),
    tools.beforeBody,
    express.json(),
    tools,
    async (req, res) => {
      // A stream ends with its token, and so does a tool call that takes longer.
      if (!endWithToken(req, res, { lastEvent: tokenEndedEvent(req.body) })) return;
      await handle(req, res, req.body);
    },
  );
  return { routes, authenticate };
}

const files = new Map([['hello.txt', 'Hello from a protected MCP server']]);

function createServer(): McpServer {
  const server = new McpServer({ name: 'example-files', version: '1.0.0' });
  const name = z.string().describe('Name of the file');

  server.registerTool(
    'read_file',
    { description: 'Reads a file', inputSchema: z.object({ name }) },
    ({ name }, { http }) => text(`${files.get(name) ?? 'No such file'} (read for ${subjectOf(http?.authInfo)})`),
  );
  server.registerTool(
    'write_file',
    { description: 'Writes a file', inputSchema: z.object({ name, content: z.string() }) },
    ({ name, content }, { http }) => {
      files.set(name, content);
      return text(`Written for ${subjectOf(http?.authInfo)}`);
    },
  );
  return server;
}

/** The user of the token, or else its client. The token's claims are in `extra`. */
function subjectOf(authInfo: { clientId: string; extra?: Record<string, unknown> } | undefined): string {
  return String(authInfo?.extra?.sub ?? authInfo?.clientId);
}

function text(content: string) {
  return { content: [{ type: 'text' as const, text: content }] };
}

/** Sets CORS headers for MCP clients in browsers. Without `Expose-Headers`, they cannot read the challenge. */
const allowBrowsers: express.RequestHandler = (req, res, next) => {
  res.set({
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Methods': 'GET, POST, DELETE, OPTIONS',
    'Access-Control-Allow-Headers': req.get('Access-Control-Request-Headers') ?? '*',
    'Access-Control-Expose-Headers': 'WWW-Authenticate, Mcp-Session-Id',
  });
  if (req.method === 'OPTIONS') res.sendStatus(204);
  else next();
};
