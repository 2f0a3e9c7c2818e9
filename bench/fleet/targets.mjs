/** The shared cache is to ask once a life, whatever the number of instances. */
export const MOST_CALLS_PER_LIFE = 1.1;

/** Of the tokens that others hold, those that a new instance may ask about. */
const MOST_SHARE_ASKED_ANEW = 0.02;

/** From invalidate() until no instance accepts any more. */
export const REVOCATION_P99_MS = 50;

/** And its answer is there: it may have waited for another that asks. */
export const REFUSAL_P99_MS = 150;

/** Everything that was not as it should be, in words. */
export function violationsOf({ calls, restart, revocations, clocks, lives, faults }) {
  const found = [];
  for (const { instances, shared, refused } of calls?.rows ?? []) {
    if (shared.perLife > MOST_CALLS_PER_LIFE)
      found.push(`calls: ${shared.perLife.toFixed(2)} a token and life with ${instances} instances`);
    if (refused.length > 0) found.push(`calls: good requests got ${tally(refused)} with ${instances} instances`);
  }
  if (restart !== undefined) {
    const known = restart.rows
      .filter(({ phase }) => phase !== 'before')
      .reduce((sum, row) => sum + row.known.shared, 0);
    if (known > restart.tokens * MOST_SHARE_ASKED_ANEW)
      found.push(`restart: ${known} calls about ${restart.tokens} tokens that others held`);
    if (restart.refused.length > 0) found.push(`restart: good requests got ${tally(restart.refused)}`);
  }
  for (const [name, measured] of Object.entries({ revocations, clocks })) {
    if (measured === undefined) continue;
    const { accepted, all } = measured;
    if (accepted.p99 > REVOCATION_P99_MS) found.push(`${name}: accepted for ${accepted.p99.toFixed(1)} ms (p99)`);
    if (all.p99 > REFUSAL_P99_MS) found.push(`${name}: refused after ${all.p99.toFixed(1)} ms (p99)`);
    found.push(...measured.wrong.map((each) => `${name}: ${each}`));
  }
  found.push(...(lives?.wrong ?? []).map((each) => `lives: ${each}`));
  for (const { fault, violations } of faults ?? []) {
    found.push(...violations.map((each) => `Redis ${fault}: ${each}`));
  }
  return found;
}

function tally(statuses) {
  return [...new Set(statuses)]
    .map((status) => `${statuses.filter((each) => each === status).length} × ${status}`)
    .join(', ');
}
