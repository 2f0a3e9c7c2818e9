/** If an unknown name begins with a known name, the known name is suggested only if it has at least this many characters. */
const MIN_PREFIX = 4;

/** Units at the end of a known name that may be missing in the unknown name. */
const UNIT = /^(?:ms|s|seconds)$/;

/**
 * Returns the known name that is probably meant by the unknown `name`; `undefined` when no known name is similar. A known name is similar
 * if it differs from `name` in case, or in up to two letters but at most a third of the letters. It is also similar if `name` lacks only
 * the unit at the end, or begins with the known name.
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

/** Returns the Levenshtein distance: how many letters of `a` must be added, dropped or changed to get `b`. */
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
