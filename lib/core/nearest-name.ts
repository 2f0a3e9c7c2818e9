/** So long must a name be that is the beginning of the given one, to be taken for it. */
const MIN_PREFIX = 4;

/** What a name may lack at its end. */
const UNIT = /^(?:ms|s|seconds)$/;

/** Finds the name that was probably meant: it differs by a few letters or by case, lacks a unit, or has something behind it. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  const lower = given.toLowerCase();
  const distances = names.map((name) => [distance(lower, name.toLowerCase()), name] as const);
  const [closest] = distances.sort(([a], [b]) => a - b);
  if (closest !== undefined && closest[0] <= Math.min(2, lower.length / 3)) return closest[1];
  return names.find((name) => {
    const known = name.toLowerCase();
    if (known.startsWith(lower)) return UNIT.test(known.slice(lower.length));
    return known.length >= MIN_PREFIX && lower.startsWith(known);
  });
}

/** How many letters have to be added, dropped or changed (Levenshtein). */
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
