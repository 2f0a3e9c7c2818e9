import { IntrospectionError } from '../core/errors.js';
import { endOfString, parseJson } from './json.js';

/** Matches if the next character that is not whitespace is a colon. In valid JSON, a string before a colon is the name of a member. */
const COLON = /[\t\n\r ]*:/y;

/**
 * Parses a JSON object in which no object, at any level, has two members with the same name. Parsers differ in which of two such members
 * they use. So two programs could read different claims from the same token (RFC 8259 section 4).
 *
 * @throws IntrospectionError `bad_response` for any other text
 */
export function parseStrictObject(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badJson('not an object');
  if (repeatsName(text)) throw badJson('a repeated member');
  return value as Readonly<Record<string, unknown>>;
}

/** Whether an object in a valid JSON text has two members with the same name. Names are compared after their escapes are decoded. */
function repeatsName(text: string): boolean {
  /**
   * For each object or list that has not ended, from the outermost to the innermost: the names found so far in an object, `undefined` for a
   * list.
   */
  const open: (Set<unknown> | undefined)[] = [];
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(text, index);
      const names = open.at(-1);
      COLON.lastIndex = end + 1;
      if (names !== undefined && COLON.test(text)) {
        const name: unknown = JSON.parse(text.slice(index, end + 1));
        if (names.has(name)) return true;
        names.add(name);
      }
      index = end;
    }
  }
  return false;
}

function badJson(detail: string): IntrospectionError {
  return new IntrospectionError('bad_response', detail);
}
