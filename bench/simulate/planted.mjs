// Bugs that are planted into a copy of the built library, one at a time. The simulation must find each of them.
import { MUTANTS } from '../model/mutants.mjs';

const LOG = 'cache/shared/revocation-log.js';
const MEMORY = 'cache/memory-cache.js';
const PENDING = 'cache/single-flight.js';
const SHARED = 'cache/shared/shared-cache.js';
const BREAKER = 'introspection/circuit-breaker.js';
const CIRCUIT = 'introspection/circuit-state.js';

/** Bugs that the model checker plants too. */
const OF_THE_MODEL = [
  'A cache hit is checked against the revocation log',
  'A response from the store is checked against the revocation log',
  'A revocation applies in its own process before the store has it',
  'An unread log limits the age of responses to 5 seconds',
  'A loss of the log makes older responses unusable',
  '`invalidate()` of a claim removes its records',
  'An invalidated response is not cached',
  'A cached response expires',
  'Ages count while the machine is suspended',
  'An entry of the store keeps its age',
];

/** Each bug: the guard that is removed, its file, the text to replace and its replacement. */
const OWN = [
  ['A token must be active', 'authenticator.js', '(0, verify_js_1.requireActive)(record);', ''],
  [
    'A cached response is not used after `exp`',
    'cache/record-lifetimes.js',
    'exp === undefined ? ttlMs : Math.min(exp * 1000 - record.askedAt, ttlMs)',
    'ttlMs',
  ],
  [
    'A stale response is used only while the endpoint is down',
    MEMORY,
    "if (endpoint !== 'down')\n            throw error;",
    '',
  ],
  [
    'A stale response has a maximum age',
    MEMORY,
    'timeLeft)(record, (0, record_lifetimes_js_1.staleLifetimeOf)(record, staleIfErrorMs), now) > 0',
    'timeLeft)(record, Infinity, now) > 0',
  ],
  [
    '`requireFresh` asks the endpoint again',
    'middleware/require-fresh.js',
    'if (!token.record.stale && (0, record_lifetimes_js_1.isFresh)(token.record, options))',
    'if (!token.record.stale)',
  ],
  [
    'A precheck runs before the endpoint is asked',
    'introspector.js',
    'precheck === undefined ? client.lookup : ',
    'client.lookup ?? ',
  ],
  [
    'A lookup ends at its deadline',
    'core/timeout.js',
    'reject(new errors_js_1.IntrospectionError(deadline.code));\n            onEnd();',
    'onEnd();',
  ],
  ['Requests with one token share a lookup', PENDING, 'if (joinable !== undefined) {', 'if (false) {'],
  [
    'A lookup is joined only until the deadline of the request',
    PENDING,
    'joinable.startedAt > options.now.monotonic ?',
    'false ?',
  ],
  ['At most two lookups of one token run', PENDING, '?.at(MAX_LOOKUPS_PER_TOKEN - 1)', '?.at(9)'],
  [
    'The open breaker stops requests',
    CIRCUIT,
    "throw new errors_js_1.IntrospectionError('circuit_open'",
    "return void ('circuit_open'",
  ],
  [
    'A failed check opens the breaker',
    BREAKER,
    'circuit.openings() === openingsBefore)\n            open(failure);',
    'false)\n            open(failure);',
  ],
  ['Failures to connect open the breaker', BREAKER, 'if (unconnectedTokens.size >= TOKENS_TO_SUSPECT)', 'if (false)'],
  [
    'A pause is as long as the endpoint asked for',
    CIRCUIT,
    '(0, failures_js_1.asksForPause)(error) ? error.retryAfterSeconds * 1000 : 0',
    '0',
  ],
  [
    'The breaker closes after a good probe',
    BREAKER,
    'if (failure === undefined) {\n            if (!isClosed())\n                circuit.close();',
    'if (failure === undefined) {',
  ],
  ['A response with `Retry-After` is not retried', 'introspection/retry.js', '&& !saysWhen ?', '?'],
  ['A token that fails twice has a pause', 'introspection/client.js', 'failedTokens.assertLookupAllowed(digest);', ';'],
  ['A store that fails has a pause', 'cache/shared/store-backoff.js', 'clock.monotonic() < pausedUntil', 'false'],
  ['A pause of the store ends', 'cache/shared/store-backoff.js', 'if (isProbe)\n                recover();', ''],
  [
    'A command of the store has a time limit',
    'cache/shared/time-limit.js',
    'withTimeout)(async () => store.getOrLease(key, request), ms)',
    'withTimeout)(async () => store.getOrLease(key, request), 1e6)',
  ],
  [
    'A request waits for the store only until its deadline',
    SHARED,
    '}, (0, timeout_js_1.requestTimeLeft)(timeoutMs, options.now, clock));\n            entries',
    '}, 1e6);\n            entries',
  ],
  ['A diagnosis ends at the deadline of the request', 'cache/early-diagnosis.js', 'timeLeftMs()', '1e6'],
  [
    'A reply of the log ages while the machine is suspended',
    LOG,
    ', lastReadAt.at + monotonic - lastReadAt.monotonic)',
    ')',
  ],
  ['A guard checks the scopes', 'verification/scope.js', 'if (!isGranted(', 'if (false && !isGranted('],
];

const modelBugs = OF_THE_MODEL.map((guard) => MUTANTS.find((mutant) => mutant.guard === guard));

export const PLANTED = [...modelBugs, ...OWN.map(([guard, file, from, to]) => ({ guard, file, from, to }))];
