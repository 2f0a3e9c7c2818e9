import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { HOST } from '../restartable-server.mjs';

const FORBIDDEN = 403;

/** Where this server is asked: by the socket, never by what the request itself says. */
export function ownOrigin({ socket }: IncomingMessage): string {
  return `http://${HOST}:${socket.localPort}`;
}

/**
 * Refuses what a page of another site makes a browser send, and requests under a name that was made to point here: what is behind
 * it changes things, and asks for no password. That it is reached from this machine alone, `listen` sees to.
 */
export function refuseOtherSites(req: Request, res: Response, next: NextFunction): void {
  const { origin = ownOrigin(req), host, 'sec-fetch-site': site = 'same-origin' } = req.headers;
  const isOwn = origin === ownOrigin(req) && `http://${host}` === origin;
  if (isOwn && (site === 'same-origin' || site === 'none')) next();
  else res.status(FORBIDDEN).json({ error: 'another_site', hint: `Ask ${ownOrigin(req)} itself.` });
}
