import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import {
  clientSecretBasic,
  getAuth,
  IntrospectionError,
  type RootTokenIntrospection,
  requireFresh,
  requireScope,
  tokenIntrospection,
} from 'express-token-introspection';
import { instrument } from 'express-token-introspection/opentelemetry';
import { backChannelLogout } from 'express-token-introspection/signals';
import { endWithToken } from 'express-token-introspection/streams';
import { AUDIENCE, type AuthorizationServer } from './authorization-server.mjs';
import { createConsole } from './console/console.mjs';
import { requireSameOrigin, serverOrigin } from './console/same-origin.mjs';
import { INACTIVE_TTL_SECONDS, LOGOUT_PATH, TTL_SECONDS } from './settings.mjs';

export interface ReportsApi {
  readonly app: Express;
  readonly authenticate: RootTokenIntrospection;
}

/** A small API with one route for each kind of protection, and its metrics. */
export function createApp(as: AuthorizationServer): ReportsApi {
  const { clientId, clientSecret } = as.resourceServer;
  const authenticate = tokenIntrospection({
    endpoint: as.introspectionEndpoint,
    clientAuth: clientSecretBasic(clientId, clientSecret),
    audience: AUDIENCE,
    issuer: as.issuer,
    cache: { ttlSeconds: TTL_SECONDS, inactiveTtlSeconds: INACTIVE_TTL_SECONDS },
    dpop: { origin: serverOrigin },
  });

  const exporter = new PrometheusExporter({ preventServerStart: true });
  instrument({ meterProvider: new MeterProvider({ readers: [exporter] }), middlewares: { api: authenticate } });

  const app = express();
  app.disable('x-powered-by');

  // The page at `/`. It only observes requests and does not change how they are handled.
  app.use(createConsole(as, authenticate));

  app.get('/public', (_req, res) => {
    res.json({ hello: 'world' });
  });

  // The authorization server posts a logout token here when a user logs out.
  app.post(LOGOUT_PATH, backChannelLogout({ authenticate, issuer: as.issuer, audience: as.client.clientId }));

  // For Prometheus. A public API would serve this on another port.
  app.get('/metrics', (req, res) => exporter.getMetricsRequestHandler(req, res));

  // Lets you cause an outage. A real API would not have these routes.
  app.use('/authorization-server', requireSameOrigin);
  app.post('/authorization-server/stop', async (_req, res) => {
    await as.stop();
    res.json({ authorizationServer: 'stopped' });
  });
  app.post('/authorization-server/start', async (_req, res) => {
    await as.start();
    res.json({ authorizationServer: 'started' });
  });
  app.post('/authorization-server/restart', async (_req, res) => {
    await as.stop();
    await as.start();
    res.json({ authorizationServer: 'restarted' });
  });

  app.use('/api', authenticate);

  app.get('/api/profile', (req, res) => {
    const { sub, scope, client_id } = getAuth(req);
    res.json({ sub, scope, client_id });
  });

  app.get('/api/reports', requireScope('reports:read'), (req, res) => {
    res.json({ reports: ['2026-10', '2026-11'], for: getAuth(req).sub });
  });

  // A stream that lasts as long as its token, which may be revoked meanwhile.
  app.get('/api/events', (req, res) => {
    if (!endWithToken(req, res, { lastEvent: 'event: token-ended\ndata:\n\n' })) return;
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    let number = 0;
    const send = () => res.write(`data: {"number":${++number}}\n\n`);
    send();
    const timer = setInterval(send, 1000);
    res.on('close', () => clearInterval(timer));
  });

  // A payment must not be made with a revoked token, so this route never uses a cached response.
  app.post('/api/payments', requireScope('payments:write'), requireFresh({ maxAgeSeconds: 0 }), (req, res) => {
    res.json({ paid: true, by: getAuth(req).sub });
  });

  app.use('/admin', authenticate.with({ scopes: ['admin'] }));

  app.get('/admin/stats', (_req, res) => {
    res.json(authenticate.stats());
  });

  app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (!(error instanceof IntrospectionError)) return next(error);
    console.error(error.message);
    res.status(error.status).set(error.headers).json({ error: 'temporarily_unavailable' });
  });

  return { app, authenticate };
}
