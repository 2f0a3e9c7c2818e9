import type { AuthenticatedToken } from '../authenticator.js';
import { isFresh } from '../cache/record-lifetimes.js';
import { readClock } from '../core/clock.js';
import { checkOptions } from '../core/option-check.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { requireLifetime } from '../verification/lifetime.js';
import { accept, type Guard, missingAuthError, nameGuard, requireSession, scopesOf } from './guard.js';
import { rejectRequest } from './reject.js';
import { endSession, type RequestSession, renewSession, type Session, sessionOf } from './session.js';
import { whenSettled } from './when-settled.js';

const MAX_AGE_SECONDS = 86_400;

/**
 * Requires a recent introspection response. The endpoint must have been asked after the client's request arrived, or at most
 * `maxAgeSeconds` before. If the cached response is older, the endpoint is asked again. Then every check of the middleware and of earlier
 * guards runs again on the new response.
 *
 * Stale responses are never accepted. If the endpoint fails, an `IntrospectionError` (503) goes to `next`. After any failure, `req.auth` is
 * removed.
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
    const onError = (error: unknown): void => {
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
          onError,
        );
        return;
      }
      if (outcome !== undefined) renew(session, outcome);
    } catch (error) {
      onError(error);
      return;
    }
    accept(context, session);
  });
}

/**
 * Looks up the token of a session again if its record is stale, or was requested before `notBefore`, in monotonic milliseconds. Otherwise
 * returns `undefined`. Also sets `session.notBefore` to `notBefore`, unless it is later already.
 *
 * @throws AuthError if `exp` or `nbf` does not allow the token any more, because time has passed since the middleware checked them
 */
function refresh(session: Session, notBefore: number): AuthenticatedToken | Promise<AuthenticatedToken> | undefined {
  const { authenticator, token } = session;
  const options = { notBefore, now: readClock(authenticator.introspector.clock), background: false, isKnown: true };
  session.notBefore = Math.max(session.notBefore, notBefore);
  if (!token.record.stale && isFresh(token.record, options)) {
    requireLifetime(token.record, authenticator.policy, options.now.at);
    return undefined;
  }
  return authenticator.refresh(token, options);
}

function renew(session: RequestSession, token: AuthenticatedToken): void {
  if (sessionOf(session.req) !== session) throw missingAuthError('requireFresh()', session.req);
  renewSession(session, token);
}
