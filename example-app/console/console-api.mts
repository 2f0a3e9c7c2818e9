import express, { type NextFunction, type Request, type Response, Router } from 'express';
import type { RootTokenIntrospection } from 'express-token-introspection';
import type { ZodType } from 'zod';
import { type AuthorizationServer, TokenRequestError } from '../authorization-server.mjs';
import { callWith, madeUpTokens, sideBySide } from './load.mjs';
import { ORDERS } from './request-schemas.mjs';
import { ownOrigin } from './same-origin.mjs';

/** What the console's buttons do, for `curl` as well. */
export function createControls(
  as: AuthorizationServer,
  authenticate: RootTokenIntrospection,
  onFlush: () => void,
): Router {
  const router = Router();
  router.use(express.json());

  router.post(
    '/token',
    take(ORDERS.token, async ({ subject, scopes, ttlSeconds }, req, res) => {
      const dpopProof = req.get('DPoP');
      res.status(201).json(await as.issue({ subject, scope: scopes.join(' '), ttlSeconds, dpopProof }));
    }),
  );

  router.post(
    '/introspect',
    take(ORDERS.introspect, async ({ token }, _req, res) => {
      res.json({ body: await as.introspect(token) });
    }),
  );

  router.post(
    '/revoke',
    take(ORDERS.revoke, async ({ token }, _req, res) => {
      await as.revoke(token);
      res.json({ revoked: true });
    }),
  );

  router.post(
    '/delay',
    take(ORDERS.delay, async ({ ms }, _req, res) => {
      as.delayMs = ms;
      res.json({ delayMs: ms });
    }),
  );

  router.post(
    '/fill',
    take(ORDERS.fill, async ({ tokens: count }, req, res) => {
      const subjects = Array.from({ length: count }, (_, i) => `user-${i + 1}`);
      const tokens: string[] = [];
      await sideBySide(subjects, async (subject) => {
        tokens.push((await as.issue({ subject, scope: 'profile:read' })).access_token);
      });
      const load = await callWith(tokens, `${ownOrigin(req)}/api/profile`);
      res.json({ ...load, entries: authenticate.stats().entries });
    }),
  );

  // All tokens are this client's. Inactive answers name none; they end by themselves.
  router.post(
    '/flush',
    take(ORDERS.flush, async (_order, _req, res) => {
      const { entries } = authenticate.stats();
      await authenticate.invalidate({ client_id: as.client.clientId });
      onFlush();
      const left = authenticate.stats().entries;
      res.json({ forgotten: entries - left, entries: left });
    }),
  );

  router.post(
    '/flood',
    take(ORDERS.flood, async ({ requests, distinct }, req, res) => {
      const { endpointCalls } = authenticate.stats();
      const load = await callWith(madeUpTokens(requests, distinct), `${ownOrigin(req)}/api/profile`);
      const made = authenticate.stats().endpointCalls - endpointCalls;
      res.json({ ...load, endpointCalls: made, isRunning: as.isRunning });
    }),
  );

  router.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    res.status(400).json({ error: 'bad_order', hint: 'The body is not JSON.' });
  });
  return router;
}

/** A handler of JSON of this form. Forms of other sites cannot send such a body. */
function take<Order>(
  schema: ZodType<Order>,
  handle: (order: Order, req: Request, res: Response) => Promise<void>,
): (req: Request, res: Response) => Promise<void> {
  return async (req, res) => {
    if (!req.is('application/json')) {
      res.status(415).json({ error: 'not_json', hint: "Send JSON: -H 'Content-Type: application/json'" });
      return;
    }
    const { data, error } = schema.safeParse(req.body);
    if (data === undefined) {
      const { path = [], message } = error?.issues[0] ?? {};
      res.status(400).json({ error: 'bad_order', hint: [...path, message].join(': ') });
      return;
    }
    try {
      await handle(data, req, res);
    } catch (thrown) {
      // Without its text: a token may be in it.
      const hint =
        thrown instanceof TokenRequestError
          ? 'The authorization server refused.'
          : 'The authorization server does not answer. Is it stopped?';
      res.status(502).json({ error: 'authorization_server', hint });
    }
  };
}
