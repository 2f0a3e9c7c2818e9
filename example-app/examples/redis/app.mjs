import express from 'express';
import {
  clientSecretBasic,
  getAuth,
  IntrospectionError,
  requireScope,
  tokenIntrospection,
} from 'express-token-introspection';
import { redisStore } from 'express-token-introspection/redis';
import { invalidationEndpoint } from 'express-token-introspection/signals';
import { createClient } from 'redis';

const client = createClient({ url: process.env.REDIS_URL }).on('error', console.error);
client.connect().catch(console.error);

const authenticate = tokenIntrospection({
  endpoint: process.env.INTROSPECTION_ENDPOINT,
  clientAuth: clientSecretBasic(process.env.CLIENT_ID, process.env.CLIENT_SECRET),
  audience: process.env.AUDIENCE,
  cache: { store: redisStore({ client }), secrets: [process.env.CACHE_SECRET] },
});
authenticate.verifyConfiguration().then(({ ok, problem }) => {
  console.log(ok ? 'token introspection works' : `token introspection fails (${problem?.code}): ${problem?.remedy}`);
});

const app = express();
// What is invalidated in one process is asked again in all of them.
app.use('/invalidations', invalidationEndpoint({ authenticate, secret: process.env.INVALIDATION_SECRET }));
app.use('/api', authenticate);
app.get('/api/reports', requireScope('reports:read'), (req, res) => {
  const { sub, scope } = getAuth(req);
  res.json({ sub, scope });
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
