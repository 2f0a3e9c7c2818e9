import { IntrospectionError } from '../core/errors.js';
import { MAX_VALUES } from '../core/freeze.js';
import { mediaType } from '../core/syntax.js';
import { type EndpointResponse, headerOf } from './http.js';

export function isJson(response: EndpointResponse): boolean {
  return mediaType(headerOf(response, 'content-type')) === 'application/json';
}

/**
 * Parses JSON from a server. If the result is an object, it has no prototype, so that only members of the JSON can be read from it.
 *
 * @throws IntrospectionError `bad_response` for invalid JSON and for too many values
 */
export function parseJson(text: string): unknown {
  if (hasTooManyValues(text)) throw new IntrospectionError('bad_response', 'too many values');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new IntrospectionError('bad_response', 'not JSON');
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.setPrototypeOf(value, null)
    : value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The characters `,`, `[` and `{`. In JSON, one of them is before every value in a list and every member of an object. */
const BEFORE_VALUES: ReadonlySet<number> = new Set([0x2c, 0x5b, 0x7b]);

/**
 * Whether a JSON text has more than `MAX_VALUES` values. They are counted before parsing, because the parsed value of `{},{},…` takes
 * twenty times the memory of the text. In a text of up to `MAX_VALUES` characters nothing is counted, because it cannot hold more values
 * than characters.
 */
function hasTooManyValues(text: string): boolean {
  if (text.length <= MAX_VALUES) return false;
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) index = endOfString(text, index);
    else if (BEFORE_VALUES.has(code) && ++count > MAX_VALUES) return true;
  }
  return false;
}

/**
 * Returns the position of the closing quote of a JSON string. `start` is the position of its opening quote. Without a closing quote, the
 * result is the length of the text.
 */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}
