/**
 * Returns the strings in a list, or a list with the value itself if it is a string. All other items are left out, and any other value
 * results in an empty list.
 */
export function stringsOf(value: unknown): readonly string[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items.filter((item) => typeof item === 'string');
}
