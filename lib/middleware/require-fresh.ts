import type { AuthenticatedToken } from '../authenticator.js';
import { isFresh } from '../cache/lifetimes.js';
import { readClock } from '../core/clock.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { endSession, renewSession } from './bound-auth.js';
import { rejectRequest, whenSettled } from './gate.js';
import {
  accept,
  type Guard,
  nameGuard,
  requireSession,
  requireUnexpired,
  scopesPassed,
  unauthenticated,
} from './guard.js';
import { type RequestSession, type Session, sessionOf } from './session.js';

const MAX_AGE_SECONDS = 86_400;

/**
 * Lets a request pass on an answer asked for at most `maxAgeSeconds` before the request came. If the one in hand is older,
 * the endpoint is asked, and every check and guard already passed runs again on the new answer.
 *
 * @throws TypeError unless `maxAgeSeconds` is a number from 0 to 86400
 */
export function requireFresh(options: { readonly maxAgeSeconds: number }): Guard {
  rejectMountedFactory('requireFresh', options, 'requireFresh({ maxAgeSeconds: 60 })');
  const { maxAgeSeconds, ...unknown }: { maxAgeSeconds?: unknown } = ownMembers(Object(options));
  for (const [name, value] of Object.entries(unknown)) {
    throw optionError(name, value, 'write requireFresh({ maxAgeSeconds: 60 })');
  }
  if (!(typeof maxAgeSeconds === 'number' && maxAgeSeconds >= 0 && maxAgeSeconds <= MAX_AGE_SECONDS)) {
    throw optionError('maxAgeSeconds', maxAgeSeconds, `write a number of seconds from 0 to ${MAX_AGE_SECONDS}`);
  }
  return nameGuard('requireFresh', function guardMiddleware(req, res, next) {
    const passage = { req, res, next, by: 'requireFresh' };
    const session = requireSession(passage, []);
    if (session === undefined) return;
    const { digest: key } = session.token.credentials;
    const fail = (error: unknown): void => {
      endSession(session);
      rejectRequest(error, session.gate, passage, key, scopesPassed(session));
    };
    try {
      const outcome = refresh(session, session.arrivedAt - maxAgeSeconds * 1000);
      if (outcome instanceof Promise) {
        whenSettled(
          outcome,
          (authenticated) => renew(session, authenticated),
          () => accept(passage, session),
          fail,
        );
        return;
      }
      if (outcome !== undefined) renew(session, outcome);
    } catch (error) {
      fail(error);
      return;
    }
    accept(passage, session);
  });
}

/** Brings an answer as fresh as demanded; nothing where the one in hand is. */
function refresh(session: Session, notBefore: number): AuthenticatedToken | Promise<AuthenticatedToken> | undefined {
  const { credentials, record } = session.token;
  const options = { notBefore, now: readClock(session.gate.clock), background: false, isKnown: true };
  session.notBefore = Math.max(session.notBefore, notBefore);
  if (!record.stale && isFresh(record, options)) {
    requireUnexpired(session);
    return undefined;
  }
  return session.gate.authenticator.authenticate(credentials, options);
}

function renew(session: RequestSession, authenticated: AuthenticatedToken): void {
  if (sessionOf(session.req) !== session) throw unauthenticated('requireFresh()', session.req);
  renewSession(session, authenticated);
}
