/** The strings of a list; a single string is a list of one. Any other value, and any other item of a list, is left out. */
export function stringsOf(value: unknown): readonly string[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items.filter((item) => typeof item === 'string');
}
