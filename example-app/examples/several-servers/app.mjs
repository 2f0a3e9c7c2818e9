import express from 'express';
import {
  clientSecretBasic,
  getAuth,
  getAuthDetails,
  IntrospectionError,
  requireScope,
  selectServer,
  tokenIntrospection,
} from 'express-token-introspection';
import { byPathSegment } from 'express-token-introspection/selectors';

const { ACME_ENDPOINT, ACME_CLIENT_ID, ACME_CLIENT_SECRET } = process.env;
const { BETA_ENDPOINT, BETA_CLIENT_ID, BETA_CLIENT_SECRET } = process.env;

const common = { audience: process.env.AUDIENCE };
const servers = {
  acme: tokenIntrospection({
    ...common,
    endpoint: ACME_ENDPOINT,
    clientAuth: clientSecretBasic(ACME_CLIENT_ID, ACME_CLIENT_SECRET),
  }),
  beta: tokenIntrospection({
    ...common,
    endpoint: BETA_ENDPOINT,
    clientAuth: clientSecretBasic(BETA_CLIENT_ID, BETA_CLIENT_SECRET),
  }),
};
// The first segment of the path names the tenant: /acme/reports or /beta/reports.
const authenticate = selectServer(servers, byPathSegment({ acme: 'acme', beta: 'beta' }));
authenticate.verifyConfiguration().then((reports) => {
  for (const [name, { ok, problem }] of Object.entries(reports)) {
    console.log(ok ? `${name}: token introspection works` : `${name}: ${problem?.code}: ${problem?.remedy}`);
  }
});

const app = express();
app.use(authenticate);
app.get('/:tenant/reports', requireScope('reports:read'), (req, res) => {
  // The server that checked the token decides which data a user sees, not the path.
  const { server } = getAuthDetails(req);
  res.json({ tenant: server, sub: getAuth(req).sub });
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
