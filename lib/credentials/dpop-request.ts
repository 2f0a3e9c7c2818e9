import type { IncomingMessage } from 'node:http';
import type { DpopRequest } from '../core/lookup.js';
import { ownMember } from '../core/own-members.js';
import { requireSynchronous } from '../core/synchronous.js';

/**
 * Start of the URLs that clients call: scheme and host, and a path prefix if a proxy removes one. The value may be a function that returns
 * this text for a request.
 */
export type DpopOrigin = string | ((req: IncomingMessage) => string | undefined) | undefined;

/** A path that all URL parsers read in the same way: without `.` and `..` segments and backslashes. A query may follow. */
const PLAIN_PATH = /^\/(?!(?:[^?]*\/)?(?:\.|%2e){1,2}(?:[/?]|$))[^?\\]*(?:\?|$)/i;

/** Reads the parts of a request that its DPoP proof must match (RFC 9449 section 4.3). */
export function dpopRequestOf(req: IncomingMessage, origin: DpopOrigin): DpopRequest {
  const proof = ownMember(req.headers, 'dpop');
  // `originalUrl` comes first, because Express and Connect remove the mount path from `url`.
  const path = (ownMember(req, 'originalUrl') as string | undefined) ?? req.url ?? '';
  const base = typeof origin === 'function' ? requireSynchronous('dpop.origin', origin(req)) : origin;
  const isUsable = typeof base === 'string' && !/[?#]/.test(base) && PLAIN_PATH.test(path);
  return {
    request: req,
    // Node joins repeated headers with a comma, which no proof contains.
    proof: typeof proof === 'string' && !proof.includes(',') ? proof : undefined,
    method: req.method,
    url: isUsable ? `${base.replace(/\/$/, '')}${path}` : undefined,
  };
}
