/** The schedule of the soak of streams, and the model that says which streams must be open. It shares no code with the library. */

/** Milliseconds by which the clocks of a timer and of `Date.now()` may differ. */
const CLOCK_MS = 10;

/** How late an end may be, in milliseconds. `silent` is a revocation that no process is told of. */
const LATEST_MS = { invalidation: 100, exp: 1000 };

/** Kinds of ends, as often as they occur. */
const KINDS = ['exp', 'exp', 'token', 'token', 'sub', 'sid', 'jti', 'silent', 'none'];

/** Random numbers from 0 to 1 that depend only on the seed. */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Creates tokens, and what happens to each of them. Every third token belongs to the user of the token before it, and every fifth to the same
 * session, so that one logout ends several tokens.
 */
export function createSchedule({ seed, tokens: count, seconds }) {
  const random = createRandom(seed);
  const tokens = [];
  for (let index = 0; index < count; index++) {
    const before = tokens.at(-1);
    const sub = index % 3 === 2 ? before.sub : `user-${index}`;
    const sid = index % 5 === 4 ? before.sid : `session-${index}`;
    const kind = KINDS[Math.floor(random() * KINDS.length)];
    const afterMs = Math.round(random() * seconds * 1000);
    tokens.push({ token: `token-${seed}-${index}`, sub, sid, jti: `id-${index}`, kind, afterMs, causes: [] });
  }
  const actions = tokens
    .filter(({ kind }) => kind !== 'exp' && kind !== 'none')
    .map((token) => ({ atMs: token.afterMs, kind: token.kind, token, process: random() }))
    .sort((one, other) => one.atMs - other.atMs);
  return { tokens, actions, random };
}

/** Sets when the tokens expire, once the clock of the run has started. */
export function setExpiry({ tokens }, startedAt) {
  for (const token of tokens) {
    if (token.kind !== 'exp') continue;
    token.exp = (startedAt + token.afterMs) / 1000;
    token.causes.push({ kind: 'exp', at: startedAt + token.afterMs });
  }
}

/** Notes that an action was carried out, for every token that it concerns. Returns these tokens. */
export function noteAction({ tokens }, { kind, token }, at) {
  const name = kind === 'silent' ? 'token' : kind;
  const ended = tokens.filter((other) => other[name] === token[name]);
  for (const other of ended) other.causes.push({ kind: kind === 'silent' ? 'silent' : 'invalidation', at });
  return ended;
}

/** Whether the authorization server says that a token is active. */
export function isActive({ causes }, now) {
  return causes.every(({ at }) => now < at);
}

/**
 * When a stream of a token must end: not before `from`, and not after `by`. Both are infinite for a token that stays valid.
 *
 * @param ttlMs how long a response may be used
 * @param patience factor for the time that an end may be late
 */
export function windowOf({ causes }, ttlMs, patience = 1) {
  const latest = { ...LATEST_MS, silent: ttlMs + LATEST_MS.exp };
  return {
    from: Math.min(...causes.map(({ at }) => at)) - CLOCK_MS,
    by: Math.min(...causes.map(({ kind, at }) => at + latest[kind] * patience)),
  };
}
