/** Introspection requests per token and lifetime with the shared cache, for any number of instances. */
export const MAX_CALLS_PER_LIFETIME = 1.1;

/** Share of the shared responses that a restarted instance may request again. */
const MAX_SHARE_REQUESTED_AGAIN = 0.02;

/** Milliseconds from invalidate() until no instance accepts the token. */
export const REVOCATION_P99_MS = 50;

/** Milliseconds from the response to a signal until no instance accepts a token of its user. */
export const SIGNAL_P99_MS = 50;

/** Milliseconds until all have responded with 401. They may wait for the introspection request of another instance. */
export const REJECTION_P99_MS = 150;

/** Describes all missed targets and violations. */
export function violationsOf({ calls, restart, revocations, clocks, signals, lifetimes, faults }) {
  const found = [];
  for (const { instances, shared, rejected } of calls?.rows ?? []) {
    if (shared.perLifetime > MAX_CALLS_PER_LIFETIME)
      found.push(`calls: ${shared.perLifetime.toFixed(2)} per token and lifetime with ${instances} instances`);
    if (rejected.length > 0)
      found.push(`calls: requests with valid tokens got ${tally(rejected)} with ${instances} instances`);
  }
  if (restart !== undefined) {
    const known = restart.rows
      .filter(({ phase }) => phase !== 'before')
      .reduce((sum, row) => sum + row.known.shared, 0);
    if (known > restart.tokens * MAX_SHARE_REQUESTED_AGAIN)
      found.push(
        `restart: ${known} introspection requests for ${restart.tokens} tokens that other instances had cached`,
      );
    if (restart.rejected.length > 0) found.push(`restart: requests with valid tokens got ${tally(restart.rejected)}`);
  }
  for (const [name, measured] of Object.entries({ revocations, clocks })) {
    if (measured === undefined) continue;
    const { accepted, all } = measured;
    if (accepted.p99 > REVOCATION_P99_MS) found.push(`${name}: accepted for ${accepted.p99.toFixed(1)} ms (p99)`);
    if (all.p99 > REJECTION_P99_MS) found.push(`${name}: rejected after ${all.p99.toFixed(1)} ms (p99)`);
    found.push(...measured.wrong.map((text) => `${name}: ${text}`));
  }
  if (signals !== undefined) {
    if (signals.all.p99 > SIGNAL_P99_MS) found.push(`signals: accepted for ${signals.all.p99.toFixed(1)} ms (p99)`);
    found.push(...signals.wrong.map((text) => `signals: ${text}`));
  }
  found.push(...(lifetimes?.wrong ?? []).map((text) => `lifetimes: ${text}`));
  for (const { fault, violations } of faults ?? []) {
    found.push(...violations.map((text) => `Redis ${fault}: ${text}`));
  }
  return found;
}

function tally(statuses) {
  return [...new Set(statuses)]
    .map((status) => `${statuses.filter((other) => other === status).length} × ${status}`)
    .join(', ');
}
