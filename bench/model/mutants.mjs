// Guards that the property needs. Each is removed in a copy of the built library, and the checker must then find a counterexample.
import { DEFAULTS } from './limits.mjs';

const LOG = 'cache/shared/revocation-log.js';
const MEMORY = 'cache/memory-cache.js';
const PENDING = 'cache/single-flight.js';
const SHARED = 'cache/shared/shared-cache.js';
const REVOCATIONS = 'cache/shared/revocations.js';

const small = { asks: 2, revokes: 1 };
const alone = { ...small, processes: 1, stores: 0 };
const aging = { ...small, asks: 1, unread: 2, start: 'warm' };

/** Each guard: the file, the text to replace and its replacement, and limits within which a counterexample exists. */
export const MUTANTS = [
  [
    'A cache hit is checked against the revocation log',
    MEMORY,
    '(0, record_lifetimes_js_1.isFresh)(record, options) && revocations?.allows(tokenKey.digest, record, now) !== false)',
    '(0, record_lifetimes_js_1.isFresh)(record, options))',
    small,
  ],
  [
    'A joined response is checked against the revocation log',
    MEMORY,
    '(0, record_lifetimes_js_1.isFresh)(record, options) &&\n            revocations?.allows(digest, record, options.now) !== false);',
    '(0, record_lifetimes_js_1.isFresh)(record, options));',
    small,
  ],
  [
    'A response from the store is checked against the revocation log',
    SHARED,
    '|| !revocations.allows(tokenKey.digest, stored.record, now))',
    ')',
    { ...small, asks: 1, start: 'warm' },
  ],
  [
    'A stale response is checked against the revocation log',
    MEMORY,
    'if (revocations?.allows(tokenKey.digest, record, now) === false)',
    'if (false)',
    { ...small, asks: 1, failures: 1, unread: 1, expiries: 1, start: 'warm' },
  ],
  [
    'The log position of a response is read before the endpoint is asked',
    SHARED,
    'const record = { ...(await inner(tokenKey, options)), logPosition };',
    'const record = { ...(await inner(tokenKey, options)), logPosition: revocations.position() };',
    small,
  ],
  [
    'A revocation applies to responses that were requested before it',
    LOG,
    'revocation.position > logPosition || ',
    '',
    small,
  ],
  [
    'A revocation applies in its own process before the store has it',
    LOG,
    '|| askedMonotonic <= revocation.until',
    '',
    { ...small, asks: 1, start: 'warm' },
  ],
  [
    'A revocation in the log is noted before the position advances',
    LOG,
    'for (const logEntry of entries)\n                add(logEntry.entry, { position: inThisLog(logEntry.position) });',
    '',
    small,
  ],
  [
    'An unread log limits the age of responses to 5 seconds',
    LOG,
    '<= exports.UNCONFIRMED_MS;\n        },\n        revokes',
    '<= Infinity;\n        },\n        revokes',
    aging,
  ],
  [
    'The age of a confirmation is measured',
    LOG,
    'return Math.min((0, clock_js_1.ageOf)(confirmed, now), ',
    'return Math.min(0, ',
    aging,
  ],
  [
    '`invalidate()` waits for the store',
    REVOCATIONS,
    'setPosition(await withRetries(',
    'setPosition; void (async (work) => work.catch(() => {}))(withRetries(',
    { ...aging, asks: 1, start: 'warm' },
  ],
  [
    'A loss of the log makes older responses unusable',
    LOG,
    'if (record.askedMonotonic < reliableSince || !isOfThisLog || logPosition > position)',
    'if (logPosition > position)',
    { ...small, asks: 1, losses: 1, start: 'warm' },
  ],
  [
    'A position names the log that it belongs to',
    LOG,
    "return start === '' ? positionInLog :",
    'return true ? positionInLog :',
    { ...small, asks: 1, losses: 1, start: 'warm' },
  ],
  [
    '`invalidate()` of a token removes its record',
    'cache/invalidate.js',
    'const lookups = cached.forget(key.digest);',
    'const lookups = [];',
    alone,
  ],
  [
    '`invalidate()` of a claim removes its records',
    'cache/invalidate.js',
    'cached.forgetClaim(name, value);',
    '',
    alone,
  ],
  [
    'A forgotten record leaves memory',
    MEMORY,
    'forget(digest) {\n            store.delete(digest);',
    'forget(digest) {',
    alone,
  ],
  [
    'A forgotten lookup cannot be joined',
    PENDING,
    'pending.delete(digest);\n            return responses;',
    'return responses;',
    alone,
  ],
  [
    'A claim invalidates pending lookups too',
    MEMORY,
    'singleFlight.forgetWhere((record) => record.active && record.claims[name] === value);',
    '',
    alone,
  ],
  [
    'An invalidated response is not cached',
    PENDING,
    'end(digest, pendingLookup, !isInvalidated) && !isInvalidated)',
    'end(digest, pendingLookup, !isInvalidated))',
    alone,
  ],
  [
    'A detached lookup is not cached',
    PENDING,
    'if (end(digest, pendingLookup, !isInvalidated) && !isInvalidated)',
    'end(digest, pendingLookup, !isInvalidated); if (!isInvalidated)',
    alone,
  ],
  [
    'A request does not use an invalidated response that it joined',
    PENDING,
    'if (!isInvalidated && isUsable(',
    'if (isUsable(',
    { ...alone, asks: 2 },
  ],
  ['A claim removes its records from memory', MEMORY, 'store.deleteClaim(name, value);', '', alone],
  [
    'Ages count while the machine is suspended',
    'core/clock.js',
    'return Math.max(now.monotonic - since.monotonic, now.at - since.at);',
    'return now.monotonic - since.monotonic;',
    { ...alone, revokes: 0, asks: 1, suspensions: 1, unread: 1, expiries: 1, start: 'aloneWarm' },
  ],
  [
    'A cached response expires',
    MEMORY,
    'if (leftMs > 0) {',
    'if (true) {',
    { ...alone, revokes: 0, unread: 1, expiries: 1 },
  ],
  [
    'An entry of the store keeps its age',
    'cache/shared/entry.js',
    'at: readAt.at - age, monotonic: readAt.monotonic - age',
    'at: readAt.at, monotonic: readAt.monotonic',
    { ...small, revokes: 0, asks: 2, unread: 1, expiries: 1, start: 'warm' },
  ],
].map(([guard, file, from, to, limits]) => ({ guard, file, from, to, limits: { ...DEFAULTS, events: 14, ...limits } }));
