/** Pseudo-random numbers from 0 to 1, the same for the same seed (mulberry32). */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick(random, list) {
  return list[Math.floor(random() * list.length)];
}

/** All faults. Delays are either much shorter or much longer than the timeout. */
export function faultKinds(timeoutMs) {
  return [
    { kind: 'refuse' },
    { kind: 'reset' },
    { kind: 'delay', ms: timeoutMs * 0.3 },
    { kind: 'delay', ms: timeoutMs * 3 },
    { kind: 'stall' },
    { kind: 'truncate' },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 502 },
    { kind: 'status', status: 503, retryAfterSeconds: 3 },
    { kind: 'status', status: 429, retryAfterSeconds: 2 },
    { kind: 'status', status: 429 },
    { kind: 'html' },
    { kind: 'blackhole' },
  ];
}

/** Whether the fault prevents every response, so that the circuit breaker must open. */
export function isOutage({ kind, ms }, timeoutMs) {
  return kind === 'delay' ? ms > timeoutMs : kind !== 'pass' && kind !== 'html';
}

/**
 * Phases with a fault and pauses between them, from `from` to `until` in milliseconds. Every fault comes in a shuffled order, again and
 * again. Every fourth fault is switched on and off in short phases.
 */
export function createSchedule({ seed, from, until, timeoutMs, troubleMs, calmMs }) {
  const random = createRandom(seed);
  const between = ([min, max]) => min + random() * (max - min);
  const phases = [];
  let waiting = [];
  for (let at = from, count = 1; ; count++) {
    if (waiting.length === 0) waiting = shuffle(random, faultKinds(timeoutMs));
    const fault = waiting.pop();
    const end = at + between(troubleMs);
    if (end > until) return phases;
    if (count % 4 === 0) {
      for (let flap = at; flap < end; flap += 300) phases.push({ fault, from: flap, until: flap + 150, flaps: true });
    } else {
      phases.push({ fault, from: at, until: end, flaps: false });
    }
    at = end + between(calmMs);
  }
}

export function nameOf({ kind, status, retryAfterSeconds, ms }) {
  if (kind === 'delay') return `delay ${Math.round(ms)} ms`;
  if (kind !== 'status') return kind;
  return retryAfterSeconds === undefined ? `${status}` : `${status}, Retry-After ${retryAfterSeconds}`;
}

function shuffle(random, list) {
  return list
    .map((item) => [random(), item])
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
