// Compiled, never run. Uses this package together with express-oauth2-jwt-bearer, which declares `req.auth`.
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import { clientSecretBasic, getAuth, requireScope, tokenIntrospection } from 'express-token-introspection';
import { mcpAuthentication } from 'express-token-introspection/mcp';

const authenticate = tokenIntrospection({
  endpoint: 'https://as.example.com/introspect',
  clientAuth: clientSecretBasic('api', process.env.CLIENT_SECRET),
  audience: 'https://api.example.com',
});

const app = express();
app.get('/opaque', authenticate, requireScope('reports:read'), (req, res) => {
  res.json({ sub: getAuth(req, authenticate).sub });
});
app.get('/mcp', mcpAuthentication(authenticate), (req, res) => {
  res.json({ sub: getAuth(req).sub });
});
app.get('/jwt', auth(), requiredScopes('reports:read'), (req, res) => {
  const sub: string | undefined = req.auth?.payload.sub;
  res.json({ sub });
});

export { app };
