import express from 'express';
import { clientSecretBasic, IntrospectionError, tokenIntrospection } from 'express-token-introspection';
import { endWithToken } from 'express-token-introspection/streams';

const authenticate = tokenIntrospection({
  endpoint: process.env.INTROSPECTION_ENDPOINT,
  clientAuth: clientSecretBasic(process.env.CLIENT_ID, process.env.CLIENT_SECRET),
  audience: process.env.AUDIENCE,
  scopes: ['reports:read'],
});
authenticate.verifyConfiguration().then(({ ok, problem }) => {
  console.log(ok ? 'token introspection works' : `token introspection fails (${problem?.code}): ${problem?.remedy}`);
});

const app = express();
app.get('/api/events', authenticate, (req, res) => {
  // Sends a last event when the token expires or is revoked, and ends the stream.
  if (!endWithToken(req, res, { lastEvent: 'event: token-ended\ndata:\n\n' })) return;
  res.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const send = () => res.write(`data: ${new Date().toISOString()}\n\n`);
  send();
  const timer = setInterval(send, 1000);
  res.on('close', () => clearInterval(timer));
});

app.use((error, _req, res, next) => {
  if (!(error instanceof IntrospectionError) || res.headersSent) return next(error);
  console.error(error.message);
  res.status(503).set(error.headers).json({ error: 'temporarily_unavailable' });
});

const port = process.env.PORT ?? 3001;
app.listen(port, (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${port}`);
});
