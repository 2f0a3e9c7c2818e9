// Compiled, never run. Uses this package together with version 1 of the MCP SDK, which declares `req.auth`.

import * as errors from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { clientSecretBasic, getAuth, requireScope, tokenIntrospection } from 'express-token-introspection';
import { mcpAuthentication, mcpTokenVerifier, type AuthInfo as OurAuthInfo } from 'express-token-introspection/mcp';

const authenticate = tokenIntrospection({
  endpoint: 'https://as.example.com/introspect',
  clientAuth: clientSecretBasic('mcp', process.env.CLIENT_SECRET),
  audience: 'https://mcp.example.com/mcp',
});

const server = new McpServer({ name: 'files', version: '1.0.0' });
server.registerTool('whoami', {}, ({ authInfo }) => ({
  content: [{ type: 'text', text: String(authInfo?.extra?.sub) }],
}));

const app = express();
app.use('/mcp', mcpAuthentication(authenticate));
app.post('/mcp', requireScope('files:read'), express.json(), async (req, res) => {
  const auth: AuthInfo | undefined = req.auth;
  const { sub } = getAuth(req, authenticate);
  res.setHeader('X-Subject', sub ?? auth?.clientId ?? '');
  await new StreamableHTTPServerTransport({}).handleRequest(req, res, req.body);
});
app.use(
  '/other',
  requireBearerAuth({ verifier: mcpTokenVerifier(authenticate, { errors }), requiredScopes: ['files:read'] }),
);
app.use('/bundled', requireBearerAuth({ verifier: mcpTokenVerifier(authenticate, { errors }) }));

export const takesOurs = (ours: OurAuthInfo): AuthInfo => ours;
export { app, mcpAuthMetadataRouter };
