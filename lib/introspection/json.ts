import { IntrospectionError } from '../core/errors.js';
import { MAX_VALUES } from '../core/freeze.js';
import { mediaType } from '../core/syntax.js';
import { type EndpointResponse, headerOf } from './http.js';

export function isJson(reply: EndpointResponse): boolean {
  return mediaType(headerOf(reply, 'content-type')) === 'application/json';
}

/**
 * Parses what a server sent. The top level has no prototype, so that only members that were sent are read from it.
 *
 * @throws IntrospectionError `bad_response`, also for more values than anybody needs
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

/** `,`, `[` and `{`: before every value but the first there is one of them. */
const BEFORE_VALUES: ReadonlySet<number> = new Set([0x2c, 0x5b, 0x7b]);

/** Counted before parsing: `{},{},…` takes twenty times the memory of its text. A usual response is too short to be looked at. */
function hasTooManyValues(text: string): boolean {
  if (text.length <= MAX_VALUES) return false;
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (BEFORE_VALUES.has(code) && ++count > MAX_VALUES) return true;
  }
  return false;
}

/** Position of the quote that ends a string; the end of the text where there is none. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((at - before) % 2 === 1) return at;
  }
  return text.length;
}
