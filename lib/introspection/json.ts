import { IntrospectionError } from '../errors.js';
import { mediaType } from '../media-type.js';
import { headerOf, type Reply } from './http.js';

export function isJson(reply: Reply): boolean {
  return mediaType(headerOf(reply, 'content-type')) === 'application/json';
}

/** @throws IntrospectionError `bad_response` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new IntrospectionError('bad_response', 'not JSON');
  }
}
