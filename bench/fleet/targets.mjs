/** The shared cache is to ask once a life, whatever the number of instances. */
export const MOST_CALLS_PER_LIFE = 1.1;

/** What a token costs at one moment that all instances share. */
const MOST_CALLS_PER_RESTARTED_TOKEN = 0.02;

export const REVOCATION_P99_MS = 50;

/** Everything that was not as it should be, in words. */
export function violationsOf({ calls, restart, revocations, clocks, faults }) {
  const found = [];
  for (const { instances, shared, refused } of calls?.rows ?? []) {
    if (shared.perLife > MOST_CALLS_PER_LIFE)
      found.push(`calls: ${shared.perLife.toFixed(2)} a token and life with ${instances} instances`);
    if (refused > 0) found.push(`calls: ${refused} good requests refused with ${instances} instances`);
  }
  if (restart !== undefined) {
    const known = restart.rows
      .filter(({ phase }) => phase !== 'before')
      .reduce((sum, row) => sum + row.known.shared, 0);
    if (known > restart.tokens * MOST_CALLS_PER_RESTARTED_TOKEN)
      found.push(`restart: ${known} calls about ${restart.tokens} tokens that others held`);
    if (restart.refused > 0) found.push(`restart: ${restart.refused} good requests refused`);
  }
  for (const [name, measured] of Object.entries({ revocations, clocks })) {
    if (measured === undefined) continue;
    if (measured.all.p99 > REVOCATION_P99_MS) found.push(`${name}: p99 ${measured.all.p99.toFixed(1)} ms`);
    found.push(...measured.wrong.map((each) => `${name}: ${each}`));
  }
  for (const { fault, violations } of faults ?? []) {
    found.push(...violations.map((each) => `Redis ${fault}: ${each}`));
  }
  return found;
}
