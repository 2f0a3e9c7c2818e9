import { type Request, type Response, Router } from 'express';
import type { RootTokenIntrospection } from 'express-token-introspection';
import { AUDIENCE, type AuthorizationServer, SCOPES } from '../authorization-server.mjs';
import { createControls } from './console-api.mjs';
import { watchLive } from './metrics-stream.mjs';
import { createPage } from './page.mjs';
import { createExchanges } from './request-log.mjs';
import { ownOrigin, refuseOtherSites } from './same-origin.mjs';

/** The routes that are recorded. */
const API = ['/public', '/api', '/admin'];

/** The console: a page at `/`, what it asks for below `/console`, and a record of each request to the API. */
export function createConsole(as: AuthorizationServer, authenticate: RootTokenIntrospection): Router {
  const exchanges = createExchanges();
  const live = watchLive();
  const router = Router();

  router.use(createPage());
  router.use('/console', refuseOtherSites);

  router.get('/console/settings', (req, res) => {
    // With the secret of this example's API, which is new at each start: the page shows the introspection call in full.
    res.set('Cache-Control', 'no-store').json({
      api: ownOrigin(req),
      tokenEndpoint: as.tokenEndpoint,
      introspection: { endpoint: as.introspectionEndpoint, ...as.resourceServer },
      audience: AUDIENCE,
      scopes: SCOPES,
    });
  });
  router.get('/console/exchanges/:id', async (req, res) => {
    const exchange = await exchanges.find(req.params.id);
    if (exchange === undefined) res.status(404).json({ error: 'unknown_request' });
    else res.json(exchange);
  });
  router.get('/console/events', streamEvents);
  router.use('/console', createControls(as, authenticate, exchanges.answers.forgetAll));
  router.use('/console', (_req, res) => {
    res.status(404).json({ error: 'not_found' });
  });

  router.use(API, exchanges.record);
  return router;

  /** Server-sent events: the past minute and a half at first, then each second as it ends, and what is so whenever it changes. */
  function streamEvents(req: Request, res: Response): void {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    const send = (event: string, data: unknown) => res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    const sendState = () =>
      send('state', {
        authorizationServer: { running: as.isRunning, delayMs: as.delayMs },
        circuit: live.circuit,
        totals: live.totals,
        entries: authenticate.stats().entries,
        latest: exchanges.latest(),
      });
    send('history', live.history());
    sendState();
    const stop = [
      live.onChange(sendState),
      live.onSecond((second) => {
        send('second', second);
        sendState();
      }),
    ];
    req.once('close', () => {
      for (const end of stop) end();
    });
  }
}
