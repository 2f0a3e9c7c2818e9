// What must hold: an independent record of who was revoked, who knows it, and which requests must therefore be rejected.
import { STALE_MS, TTL_MS } from './library.mjs';

/** A revocation that is in the store applies in all processes after this time, even in one that cannot read the log. */
const UNREAD_LIMIT_MS = 5000;

/** @param time reads the milliseconds since the model started */
export function createProperty(time) {
  /** Targets that the authorization server has revoked: `token A` or `sub`. */
  const revoked = new Set();
  /** When `invalidate()` has first resolved, by target. */
  const resolvedAt = new Map();
  /** Targets by the text of their entry in the log. */
  const targetByEntry = new Map();
  /** Targets whose entries were in a log that is lost. */
  const lost = new Set();
  let violation;

  const covers = (target, token) => target === 'sub' || target === `token ${token}`;
  const isCovered = (targets, token) => [...targets].some((target) => covers(target, token));

  /** Why a request that arrives now must be rejected; `undefined` if it may be admitted. */
  function reasonToReject({ token, knows }) {
    if (isCovered(knows, token)) return 'this process knew the revocation when the request arrived';
    const old = [...resolvedAt].some(([target, at]) => covers(target, token) && time() - at > UNREAD_LIMIT_MS);
    return old ? 'invalidate() had resolved more than 5 seconds before the request arrived' : undefined;
  }

  return {
    isActive: (token) => !isCovered(revoked, token),
    revoke(target, knows) {
      revoked.add(target);
      knows.add(target);
    },
    appended: (entry, target) => void targetByEntry.set(entry, target),
    resolved(target) {
      if (!resolvedAt.has(target)) resolvedAt.set(target, time());
    },
    /** Notes that a process has read from the log. At the end of the log, it has noticed every loss. */
    read({ entry, isAtEnd }, knows) {
      if (entry !== undefined) knows.add(targetByEntry.get(entry));
      if (isAtEnd) for (const target of lost) knows.add(target);
    },
    loseLog(items) {
      for (const { entry } of items) lost.add(targetByEntry.get(entry));
    },
    arrive: (request) => ({ ...request, arrivedAt: time(), reason: reasonToReject(request) }),
    /** Checks the record with which a request was admitted. */
    admit({ token, arrivedAt, reason, isFresh }, { claims, stale }) {
      const ageMs = arrivedAt - claims.sent;
      const limitMs = stale ? STALE_MS : TTL_MS;
      if (reason !== undefined) violation = `${token} was admitted, although ${reason}`;
      else if (ageMs > limitMs) violation = `${token} was admitted by a response that was ${ageMs} ms old`;
      else if (isFresh && ageMs > 0) violation = `${token} was admitted by an old response, but a new one was required`;
    },
    violation: () => violation,
    content: () => [[...revoked].sort(), [...resolvedAt].sort(), [...lost].sort()],
  };
}
