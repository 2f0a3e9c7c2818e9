/** Minimum length of a known name, in characters, to be suggested for a longer, unknown name that begins with it. */
const MIN_PREFIX = 4;

/** Units at the end of a known name that may be missing in the unknown name. */
const UNIT = /^(?:ms|s|seconds)$/;

/**
 * Finds the known name that is probably meant by `name`; `undefined` when none is similar. `name` may differ in case or in up to two
 * letters, lack the unit at its end, or have more letters after a known name.
 */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  const distances = names.map((name) => [distance(lower, name.toLowerCase()), name] as const);
  const [closest] = distances.sort(([a], [b]) => a - b);
  if (closest !== undefined && closest[0] <= Math.min(2, lower.length / 3)) return closest[1];
  return names.find((name) => {
    const known = name.toLowerCase();
    if (known.startsWith(lower)) return UNIT.test(known.slice(lower.length));
    return known.length >= MIN_PREFIX && lower.startsWith(known);
  });
}

/** Levenshtein distance: the number of letters to add, drop or change. */
function distance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const now = [row];
    for (let column = 1; column <= b.length; column++) {
      const changed = (before[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1);
      now.push(Math.min(changed, (before[column] as number) + 1, (now[column - 1] as number) + 1));
    }
    before = now;
  }
  return before[b.length] as number;
}
