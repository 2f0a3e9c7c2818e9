import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { HOST } from '../restartable-server.mjs';

const FORBIDDEN = 403;

/** Origin of this server. It is taken from the socket, because a client can write anything into its headers. */
export function serverOrigin({ socket }: IncomingMessage): string {
  return `http://${HOST}:${socket.localPort}`;
}

/**
 * Rejects cross-site requests, and requests under a host name that an attacker points at this machine (DNS rebinding).
 *
 * The routes behind it change state and need no password. Other machines cannot reach them, because `listen` binds to loopback.
 */
export function requireSameOrigin(req: Request, res: Response, next: NextFunction): void {
  const { origin = serverOrigin(req), host, 'sec-fetch-site': site = 'same-origin' } = req.headers;
  const isSameOrigin = origin === serverOrigin(req) && `http://${host}` === origin;
  if (isSameOrigin && (site === 'same-origin' || site === 'none')) next();
  else res.status(FORBIDDEN).json({ error: 'another_site', hint: `Send this request to ${serverOrigin(req)} itself.` });
}
