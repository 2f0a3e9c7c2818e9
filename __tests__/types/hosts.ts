// Compiled, never run. Checks where the middleware and the guards can be mounted.
import { createServer, type RequestListener } from 'node:http';
import connect from 'connect';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import {
  AuthError,
  type Guard,
  getAuth,
  IntrospectionError,
  noClientAuth,
  requireAnyScope,
  requireClaim,
  requireFresh,
  requireScope,
  type TokenIntrospection,
  tokenIntrospection,
} from '../../lib/index.js';

const authenticate = tokenIntrospection({
  endpoint: 'https://as.example.com/introspect',
  clientAuth: noClientAuth(),
  audience: false,
});

export function express5() {
  const app = express();
  app.use(authenticate);
  app.use('/api', authenticate, requireScope('reports:read'));
  app.use('/admin', authenticate.with({ audience: 'https://admin.example.com', scopes: ['admin'] }));
  app.get('/reports', requireScope('reports:read'), (req, res) => {
    const { sub, scope } = getAuth(req);
    res.json({ sub, scope });
  });
  app.get('/reports/:id', requireAnyScope('reports:read', 'admin'), (req, res) => {
    const id: string = req.params.id;
    res.json({ id });
  });
  app.post('/payments', authenticate, requireFresh({ maxAgeSeconds: 0 }), async (_req, res) => void res.json({}));
  app.use(
    express
      .Router()
      .use(authenticate)
      .get('/', requireClaim('org_id', ['a', 'b']), (_req, res) => void res.end()),
  );
  app
    .route('/tenants')
    .all(requireClaim('tenant', (tenant) => tenant === 'acme'))
    .get((_req, res) => void res.end());
  app.use(((error, _req, res, next) => {
    if (error instanceof IntrospectionError) res.status(error.status).set(error.headers).json({ error: error.code });
    else if (error instanceof AuthError) res.status(error.status).set(error.headers).json({ error: error.reason });
    else next(error);
  }) satisfies ErrorRequestHandler);
  return app;
}

export const areRequestHandlers = [authenticate, authenticate.with({}), requireScope('a')] satisfies RequestHandler[];

export function onConnect() {
  return connect()
    .use(authenticate)
    .use('/admin', authenticate.with({ scopes: ['admin'] }))
    .use(requireScope('admin'));
}

export function onABareServer() {
  const listener: RequestListener = (req, res) =>
    authenticate(req, res, () => {
      res.end(getAuth(req).sub);
    });
  return [createServer(listener), createServer(authenticate)];
}

export function acceptsDerivedMiddleware(): (TokenIntrospection | Guard)[] {
  return [authenticate, authenticate.with({ realm: 'admin' }), requireFresh({ maxAgeSeconds: 10 })];
}

export function rejectsInvalidArgumentsOfGuards() {
  // @ts-expect-error each scope is an argument
  requireScope(['reports:read']);
  // @ts-expect-error the name must contain the unit
  requireFresh({ maxAge: 10 });
  // @ts-expect-error a predicate is synchronous
  requireClaim('tenant', async () => true);
  // @ts-expect-error a value is required
  requireClaim('tenant');
}
