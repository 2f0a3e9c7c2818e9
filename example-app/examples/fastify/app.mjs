import { clientSecretBasic, getAuth, requireScope, tokenIntrospection } from 'express-token-introspection';
import Fastify from 'fastify';

const authenticate = tokenIntrospection({
  endpoint: process.env.INTROSPECTION_ENDPOINT,
  clientAuth: clientSecretBasic(process.env.CLIENT_ID, process.env.CLIENT_SECRET),
  audience: process.env.AUDIENCE,
  onReject: (error, _req, _res, next) => next(error), // Fastify sends status and challenge
});
authenticate.verifyConfiguration().then(({ ok, problem }) => {
  console.log(ok ? 'token introspection works' : `token introspection fails (${problem?.code}): ${problem?.remedy}`);
});

/** Turns the middleware or a guard into a hook. */
const hook = (guard) => (request, reply, done) => guard(request.raw, reply.raw, done);

const app = Fastify();
app.addHook('onClose', () => authenticate.close());
app.register(
  async (api) => {
    api.addHook('onRequest', hook(authenticate));
    api.get('/reports', { onRequest: hook(requireScope('reports:read')) }, async ({ raw }) => {
      const { sub, scope } = getAuth(raw);
      return { sub, scope };
    });
  },
  { prefix: '/api' },
);

const port = Number(process.env.PORT ?? 3001);
await app.listen({ port });
console.log(`listening on http://127.0.0.1:${port}`);
