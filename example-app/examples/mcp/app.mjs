import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express from 'express';
import { clientSecretBasic, IntrospectionError, tokenIntrospection } from 'express-token-introspection';
import { mcpAuthentication, requireToolScopes, tokenEndedEvent } from 'express-token-introspection/mcp';
import { protectedResourceMetadata } from 'express-token-introspection/metadata';
import { endWithToken } from 'express-token-introspection/streams';
import { z } from 'zod';

const authenticate = tokenIntrospection({
  authorizationServer: process.env.AUTHORIZATION_SERVER,
  clientAuth: clientSecretBasic(process.env.CLIENT_ID, process.env.CLIENT_SECRET),
  audience: process.env.AUDIENCE,
  resourceMetadata: true, // challenges name the metadata, which name the authorization server
  scopes: ['files:read'],
});
authenticate.verifyConfiguration().then(({ ok, problem }) => {
  console.log(ok ? 'token introspection works' : `token introspection fails (${problem?.code}): ${problem?.remedy}`);
});

const notes = [];

function createServer() {
  const server = new McpServer({ name: 'notes', version: '1.0.0' });
  server.registerTool('read_notes', { description: 'Reads all notes' }, () => ({
    content: [{ type: 'text', text: notes.join('\n') }],
  }));
  server.registerTool(
    'add_note',
    { description: 'Adds a note', inputSchema: z.object({ text: z.string() }) },
    ({ text }, { http }) => {
      notes.push(`${text} (from ${http?.authInfo?.extra?.sub})`);
      return { content: [{ type: 'text', text: 'added' }] };
    },
  );
  return server;
}

const handle = toNodeHandler(createMcpHandler(createServer));
const app = express();
app.use(protectedResourceMetadata(authenticate, { scopes_supported: ['files:write'] }));
const tools = requireToolScopes({ add_note: ['files:write'] });
app.all('/mcp', mcpAuthentication(authenticate), tools.beforeBody, express.json(), tools, async (req, res) => {
  if (!endWithToken(req, res, { lastEvent: tokenEndedEvent(req.body) })) return; // the token has ended already
  await handle(req, res, req.body);
});
app.use((error, _req, res, next) => {
  if (!(error instanceof IntrospectionError)) return next(error);
  console.error(error.message);
  res.status(503).set(error.headers).json({ error: 'temporarily_unavailable' });
});

const port = process.env.PORT ?? 3001;
app.listen(port, (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${port}`);
});
