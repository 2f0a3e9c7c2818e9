/** A wrong option, as the `TypeError` every start-up mistake becomes: its name, what was given, what to write. */
export function optionError(name: string, given: unknown, remedy: string): TypeError {
  return new TypeError(`Option "${name}" is ${describe(given)}; ${remedy}`);
}

/** `app.use(requireScope)` passes a request where the arguments belong. */
export function refuseMounted(name: string, argument: unknown, example: string): void {
  if (typeof (argument as { pipe?: unknown } | null | undefined)?.pipe === 'function') {
    throw new TypeError(`${name} was mounted without being called; write ${example}`);
  }
}

/** Names the kind of a value, never its content: it may be a secret. */
function describe(given: unknown): string {
  if (given === undefined) return 'missing';
  if (given === null) return 'null';
  if (given === '') return 'an empty string';
  if (typeof given === 'number' || typeof given === 'boolean') return String(given);
  if (Array.isArray(given)) return given.length === 0 ? 'an empty list' : 'a list';
  return typeof given === 'string' || typeof given === 'symbol' || typeof given === 'bigint'
    ? `a ${typeof given} that cannot be used`
    : `${typeof given === 'object' ? 'an object' : 'a function'} that cannot be used`;
}

/** The same for a secret, of which even a number tells too much. */
export function secretError(name: string, given: unknown, remedy: string): TypeError {
  return optionError(name, typeof given === 'number' || typeof given === 'boolean' ? Object(given) : given, remedy);
}
