import { unknownOption } from './option-error.js';

/**
 * Requires that every option has a known name, because an option that is ignored would look as if it worked. The values of the options are
 * not read.
 *
 * @param remedy the advice in the error when no known name is similar. Without `remedy`, the error lists the known names
 * @throws TypeError for the first unknown option, even if its value is `undefined`
 */
export function checkOptions(options: object, known: readonly string[], remedy?: string): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw unknownOption(name, known, remedy);
  }
}
