import { type Request, type Response, Router } from 'express';
import type { RootTokenIntrospection } from 'express-token-introspection';
import { AUDIENCE, type AuthorizationServer, SCOPES } from '../authorization-server.mjs';
import { LOGOUT_PATH } from '../settings.mjs';
import { createConsoleApi } from './console-api.mjs';
import { createMetricsStream } from './metrics-stream.mjs';
import { createPage } from './page.mjs';
import { createRequestLog } from './request-log.mjs';
import { requireSameOrigin, serverOrigin } from './same-origin.mjs';

/** Requests to these routes are logged. */
const API_ROUTES = ['/public', '/api', '/admin', LOGOUT_PATH];

/** The console: a page at `/`, its endpoints below `/console`, and a log of the requests to the API. */
export function createConsole(as: AuthorizationServer, authenticate: RootTokenIntrospection): Router {
  const requestLog = createRequestLog();
  const metrics = createMetricsStream();
  const router = Router();

  router.use(createPage());
  router.use('/console', requireSameOrigin);

  router.get('/console/settings', (req, res) => {
    // Includes the client secret of this example's API, because the page shows the whole introspection request. It is new at each start.
    res.set('Cache-Control', 'no-store').json({
      api: serverOrigin(req),
      tokenEndpoint: as.tokenEndpoint,
      introspection: { endpoint: as.introspectionEndpoint, ...as.resourceServer },
      audience: AUDIENCE,
      scopes: SCOPES,
    });
  });
  router.get('/console/requests/:id', async (req, res) => {
    const entry = await requestLog.find(req.params.id);
    if (entry === undefined) res.status(404).json({ error: 'unknown_request' });
    else res.json(entry);
  });
  router.get('/console/events', streamEvents);
  router.use('/console', createConsoleApi(as, authenticate, requestLog.cachedResponses.clear));
  router.use('/console', (_req, res) => {
    res.status(404).json({ error: 'not_found' });
  });

  router.use(API_ROUTES, requestLog.record);
  return router;

  /** Server-sent events: first `history`, the last 90 seconds, then `second` each second, and `state` after each change. */
  function streamEvents(req: Request, res: Response): void {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    const send = (event: string, data: unknown) => res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    const sendState = () =>
      send('state', {
        authorizationServer: { running: as.isRunning, delayMs: as.delayMs },
        circuit: metrics.circuit,
        totals: metrics.totals,
        entries: authenticate.stats().entries,
        latest: requestLog.latest(),
      });
    send('history', metrics.history());
    sendState();
    const removeListeners = [
      metrics.onChange(sendState),
      metrics.onSecond((second) => {
        send('second', second);
        sendState();
      }),
    ];
    req.once('close', () => {
      for (const removeListener of removeListeners) removeListener();
    });
  }
}
