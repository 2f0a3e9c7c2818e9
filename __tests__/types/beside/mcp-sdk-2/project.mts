// Compiled, never run. Uses this package together with version 2 of the MCP SDK, whose package for Express declares `req.auth`.
import { createMcpExpressApp, requireBearerAuth } from '@modelcontextprotocol/express';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import { type AuthInfo, createMcpHandler, McpServer, OAuthError, requireScopes } from '@modelcontextprotocol/server';
import { clientSecretBasic, getAuth, requireScope, tokenIntrospection } from 'express-token-introspection';
import { mcpAuthentication, mcpTokenVerifier, type AuthInfo as OurAuthInfo } from 'express-token-introspection/mcp';

const authenticate = tokenIntrospection({
  endpoint: 'https://as.example.com/introspect',
  clientAuth: clientSecretBasic('mcp', process.env.CLIENT_SECRET),
  audience: 'https://mcp.example.com/mcp',
});

const createServer = () => {
  const server = new McpServer({ name: 'files', version: '1.0.0' });
  server.registerTool('whoami', { scopeChallenge: requireScopes('files:read') }, ({ http }) => ({
    content: [{ type: 'text', text: String(http?.authInfo?.extra?.sub) }],
  }));
  return server;
};

const app = createMcpExpressApp();
const handle = toNodeHandler(createMcpHandler(createServer));
app.use('/mcp', mcpAuthentication(authenticate));
app.post('/mcp', requireScope('files:read'), async (req, res) => {
  const auth: AuthInfo | undefined = req.auth;
  const { sub } = getAuth(req, authenticate);
  res.setHeader('X-Subject', sub ?? auth?.clientId ?? '');
  await handle(req, res, req.body);
});
app.post('/stateful', mcpAuthentication(authenticate), (req, res) =>
  new NodeStreamableHTTPServerTransport().handleRequest(req, res, req.body),
);
app.use(
  '/other',
  requireBearerAuth({
    verifier: mcpTokenVerifier(authenticate, { errors: { OAuthError } }),
    requiredScopes: ['files:read'],
  }),
);
app.use('/bundled', requireBearerAuth({ verifier: mcpTokenVerifier(authenticate, { errors: { OAuthError } }) }));

export const takesOurs = (ours: OurAuthInfo): AuthInfo => ours;
export { app };
