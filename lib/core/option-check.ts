import { unknownOption } from './option-error.js';

/**
 * Checks the names of options, because an option that is ignored would look as if it worked. It does not check their values.
 *
 * @param remedy replaces the list of known names in the error, unless one of them is similar
 * @throws TypeError for the first unknown option, even if its value is `undefined`
 */
export function checkOptions(options: object, known: readonly string[], remedy?: string): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw unknownOption(name, known, remedy);
  }
}
