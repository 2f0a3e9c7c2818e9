import type { AuthenticatedToken } from '../authenticator.js';
import { isFresh } from '../cache/lifetimes.js';
import { readClock } from '../core/clock.js';
import { checkOptions } from '../core/option-check.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { accept, type Guard, nameGuard, requireSession, requireUnexpired, scopesOf, unauthenticated } from './guard.js';
import { rejectRequest } from './reject.js';
import { endSession, type RequestSession, renewSession, type Session, sessionOf } from './session.js';
import { whenSettled } from './settle.js';

const MAX_AGE_SECONDS = 86_400;

/**
 * Lets a request pass on an answer asked for at most `maxAgeSeconds` before the request came. If the one in hand is older,
 * the endpoint is asked, and every check and guard already passed runs again on the new answer.
 *
 * @throws TypeError unless `maxAgeSeconds` is a number from 0 to 86400
 */
export function requireFresh(options: { readonly maxAgeSeconds: number }): Guard {
  rejectMountedFactory('requireFresh', options, 'requireFresh({ maxAgeSeconds: 60 })');
  const given: { maxAgeSeconds?: unknown } = ownMembers(Object(options));
  checkOptions(given, ['maxAgeSeconds']);
  const { maxAgeSeconds } = given;
  if (!(typeof maxAgeSeconds === 'number' && maxAgeSeconds >= 0 && maxAgeSeconds <= MAX_AGE_SECONDS)) {
    throw optionError('maxAgeSeconds', maxAgeSeconds, `write a number of seconds from 0 to ${MAX_AGE_SECONDS}`);
  }
  return nameGuard('requireFresh', function guardMiddleware(req, res, next) {
    const context = { req, res, next, by: 'requireFresh' };
    const session = requireSession(context, []);
    if (session === undefined) return;
    const fail = (error: unknown): void => {
      const { authenticator, token } = session;
      endSession(session);
      rejectRequest(error, authenticator.policy, context, token.credentials.digest, scopesOf(session));
    };
    try {
      const outcome = refresh(session, session.arrivedAt - maxAgeSeconds * 1000);
      if (outcome instanceof Promise) {
        whenSettled(
          outcome,
          (token) => renew(session, token),
          () => accept(context, session),
          fail,
        );
        return;
      }
      if (outcome !== undefined) renew(session, outcome);
    } catch (error) {
      fail(error);
      return;
    }
    accept(context, session);
  });
}

/** Looks up the token again if the record is too old; `undefined` if it is fresh enough. */
function refresh(session: Session, notBefore: number): AuthenticatedToken | Promise<AuthenticatedToken> | undefined {
  const { authenticator, token } = session;
  const options = { notBefore, now: readClock(authenticator.introspector.clock), background: false, isKnown: true };
  session.notBefore = Math.max(session.notBefore, notBefore);
  if (!token.record.stale && isFresh(token.record, options)) {
    requireUnexpired(session);
    return undefined;
  }
  return authenticator.refresh(token, options);
}

function renew(session: RequestSession, token: AuthenticatedToken): void {
  if (sessionOf(session.req) !== session) throw unauthenticated('requireFresh()', session.req);
  renewSession(session, token);
}
