import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import type { RootTokenIntrospection } from 'express-token-introspection';
import type { SignalEvent } from 'express-token-introspection/signals';
import type { ZodType } from 'zod';
import { type AuthorizationServer, TokenRequestError } from '../authorization-server.mjs';
import { callWithTokens, randomTokens, runConcurrently } from './load.mjs';
import { REQUEST_SCHEMAS } from './request-schemas.mjs';
import { serverOrigin } from './same-origin.mjs';

/** The endpoints behind the console's buttons. `curl` can call them too. */
export function createConsoleApi(
  as: AuthorizationServer,
  authenticate: RootTokenIntrospection,
  onCacheEmptied: () => void,
): Router {
  const router = Router();
  router.use(express.json());

  router.post(
    '/token',
    handleJson(REQUEST_SCHEMAS.token, async ({ subject, scopes, ttlSeconds }, req, res) => {
      const dpopProof = req.get('DPoP');
      res.status(201).json(await as.issue({ subject, scope: scopes.join(' '), ttlSeconds, dpopProof }));
    }),
  );

  router.post(
    '/introspect',
    handleJson(REQUEST_SCHEMAS.introspect, async ({ token }, _req, res) => {
      res.json({ body: await as.introspect(token) });
    }),
  );

  router.post(
    '/revoke',
    handleJson(REQUEST_SCHEMAS.revoke, async ({ token }, _req, res) => {
      await as.revoke(token);
      res.json({ revoked: true });
    }),
  );

  router.post(
    '/logout',
    handleJson(REQUEST_SCHEMAS.logout, async ({ subject }, _req, res) => {
      const signals: SignalEvent[] = [];
      const listener = (signal: unknown) => void signals.push(signal as SignalEvent);
      subscribe('express-token-introspection:signal', listener);
      try {
        await as.logOut(subject);
      } finally {
        unsubscribe('express-token-introspection:signal', listener);
      }
      res.json({ loggedOut: true, signals });
    }),
  );

  router.post(
    '/delay',
    handleJson(REQUEST_SCHEMAS.delay, async ({ ms }, _req, res) => {
      as.delayMs = ms;
      res.json({ delayMs: ms });
    }),
  );

  router.post(
    '/fill',
    handleJson(REQUEST_SCHEMAS.fill, async ({ tokens: count }, req, res) => {
      const subjects = Array.from({ length: count }, (_, i) => `user-${i + 1}`);
      const tokens: string[] = [];
      await runConcurrently(subjects, async (subject) => {
        tokens.push((await as.issue({ subject, scope: 'profile:read' })).access_token);
      });
      const result = await callWithTokens(tokens, `${serverOrigin(req)}/api/profile`);
      res.json({ ...result, entries: authenticate.stats().entries });
    }),
  );

  // All tokens belong to this client. Inactive responses name no client, so they stay until they expire.
  router.post(
    '/flush',
    handleJson(REQUEST_SCHEMAS.flush, async (_body, _req, res) => {
      const { entries } = authenticate.stats();
      await authenticate.invalidate({ client_id: as.client.clientId });
      onCacheEmptied();
      const remaining = authenticate.stats().entries;
      res.json({ removed: entries - remaining, entries: remaining });
    }),
  );

  router.post(
    '/flood',
    handleJson(REQUEST_SCHEMAS.flood, async ({ requests, distinct }, req, res) => {
      const before = authenticate.stats().endpointCalls;
      const result = await callWithTokens(randomTokens(requests, distinct), `${serverOrigin(req)}/api/profile`);
      const endpointCalls = authenticate.stats().endpointCalls - before;
      res.json({ ...result, endpointCalls, isRunning: as.isRunning });
    }),
  );

  router.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    res.status(400).json({ error: 'invalid_request', hint: 'The body is not JSON.' });
  });
  return router;
}

/** A handler for JSON bodies that match the schema. It requires the JSON media type, which HTML forms of other sites cannot send. */
function handleJson<Body>(
  schema: ZodType<Body>,
  handle: (body: Body, req: Request, res: Response) => Promise<void>,
): (req: Request, res: Response) => Promise<void> {
  return async (req, res) => {
    if (!req.is('application/json')) {
      res.status(415).json({ error: 'not_json', hint: "Send JSON: -H 'Content-Type: application/json'" });
      return;
    }
    const { data, error } = schema.safeParse(req.body);
    if (data === undefined) {
      const { path = [], message } = error?.issues[0] ?? {};
      res.status(400).json({ error: 'invalid_request', hint: [...path, message].join(': ') });
      return;
    }
    try {
      await handle(data, req, res);
    } catch (thrown) {
      // The error's text is left out, because it can contain a token.
      const hint =
        thrown instanceof TokenRequestError
          ? 'The authorization server rejected the request.'
          : 'The authorization server does not respond. Is it stopped?';
      res.status(502).json({ error: 'authorization_server', hint });
    }
  };
}
