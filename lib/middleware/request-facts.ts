import type { IncomingMessage } from 'node:http';
import type { DpopRequest } from '../core/lookup.js';
import { ownMember } from '../core/own-members.js';
import type { RequestFacts } from '../credentials/read-credentials.js';
import type { Policy } from '../policy.js';
import { thumbprintOf } from '../verification/sender/certificate.js';

type SingleHeader = 'authorization' | 'content-type';

const AUTHORIZATION = 'authorization';

/** Reads off a request what authentication needs. `getToken` is the app's own code: what it throws is passed on. */
export function factsOf(
  req: IncomingMessage,
  { getToken, tokenFromBody, dpop, dpopOrigin, certificateOf }: Policy,
): RequestFacts {
  return {
    authorization: ownHeader(req, AUTHORIZATION),
    authorizationRepeated: isRepeated(req, AUTHORIZATION),
    custom: getToken === undefined ? undefined : requireSynchronous('getToken', getToken(req)),
    method: req.method,
    contentType: ownHeader(req, 'content-type'),
    body: tokenFromBody ? ownMember(req, 'body') : undefined,
    dpop: dpop && dpopRequestOf(req, dpopOrigin),
    certificate: certificateOf && thumbprintReader(req, certificateOf),
  };
}

/** A header of the request itself: one in `Object.prototype` is not the client's. */
export function ownHeader({ headers }: IncomingMessage, name: SingleHeader): string | undefined {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}

function thumbprintReader(
  req: IncomingMessage,
  certificateOf: NonNullable<Policy['certificateOf']>,
): () => string | undefined {
  return () => thumbprintOf(requireSynchronous('mtls.certificate', certificateOf(req)));
}

/** Node joins repeated lines with a comma, which no proof holds (RFC 9449 section 4.3). */
function dpopRequestOf(req: IncomingMessage, origin: Policy['dpopOrigin']): DpopRequest {
  const proof = ownMember(req.headers, 'dpop');
  // Express shortens `url` where it mounts.
  const path = (ownMember(req, 'originalUrl') as string | undefined) ?? req.url ?? '';
  const base = typeof origin === 'function' ? requireSynchronous('dpop.origin', origin(req)) : origin;
  const isUsable = typeof base === 'string' && !/[?#]/.test(base) && PLAIN_PATH.test(path);
  let accepted = acceptedProofs.get(req);
  if (accepted === undefined) {
    accepted = new Map();
    acceptedProofs.set(req, accepted);
  }
  return {
    isPresent: proof !== undefined,
    proof: typeof proof === 'string' && !proof.includes(',') ? proof : undefined,
    method: req.method,
    url: isUsable ? `${base.replace(/\/$/, '')}${path}` : undefined,
    accepted,
    renewsNonce: false,
  };
}

/** What a URL parser would walk up or turn around stands for another path there than here. */
const PLAIN_PATH = /^\/(?!(?:[^?]*\/)?(?:\.|%2e){1,2}(?:[/?]|$))[^?\\]*(?:\?|$)/i;

const acceptedProofs = new WeakMap<IncomingMessage, DpopRequest['accepted']>();

/**
 * Whether a request has more than one line of this header, given in lower case: Node shows the first and hides the others. Requests
 * that a test made may have no `rawHeaders`.
 */
export function isRepeated({ rawHeaders }: Partial<Pick<IncomingMessage, 'rawHeaders'>>, header: string): boolean {
  let seen = false;
  // Names alternate with values; comparing lengths first leaves almost nothing to lower-case.
  for (let i = 0; i < (rawHeaders?.length ?? 0); i += 2) {
    const name = rawHeaders?.[i];
    if (name?.length !== header.length || String(name).toLowerCase() !== header) continue;
    if (seen) return true;
    seen = true;
  }
  return false;
}

/** What a function of the app returned. */
export function requireSynchronous<T>(name: string, value: T): T {
  if (value instanceof Promise) {
    value.catch(() => {});
    throw new TypeError(`"${name}" returned a promise; it has to be synchronous`);
  }
  return value;
}
