import type { IncomingMessage } from 'node:http';
import { ownMember } from '../core/own-members.js';
import { ownHeader } from '../credentials/headers.js';

/**
 * The headers that repeat parts of the JSON-RPC message in the body, so that a server can decide before it has parsed the body:
 * https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
 */
export interface CallHeaders {
  /** Value of the header `Mcp-Method`; `undefined` without the header. */
  readonly method: string | undefined;
  /** Value of the header `Mcp-Name`, decoded; `undefined` without the header, and `INVALID` for a value that cannot be decoded. */
  readonly name: string | typeof INVALID | undefined;
}

export const INVALID = Symbol('invalid header');

export const TOOLS_CALL = 'tools/call';

/** Maps each method with a name to the parameter that the header `Mcp-Name` repeats. For any other method, the header is not compared. */
const NAMED_PARAMETERS: ReadonlyMap<string, string> = new Map([
  [TOOLS_CALL, 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
]);

/** Matches an encoded value of `Mcp-Name`. Clients encode values that are not plain ASCII text. */
const ENCODED = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/i;

export function readCallHeaders(req: IncomingMessage): CallHeaders {
  const name = ownHeader(req, 'mcp-name');
  return { method: ownHeader(req, 'mcp-method'), name: name === undefined ? undefined : decode(name) };
}

/**
 * Whether the headers agree with the body. An absent header agrees with every body. If at least one of the headers is present, a body with
 * a list of messages does not agree.
 */
export function agreeWith({ method, name }: CallHeaders, body: unknown): boolean {
  if (method === undefined && name === undefined) return true;
  if (name === INVALID || Array.isArray(body)) return false;
  const called = ownMember(body, 'method');
  if (method !== undefined && method !== called) return false;
  const parameter = typeof called === 'string' ? NAMED_PARAMETERS.get(called) : undefined;
  return name === undefined || parameter === undefined || ownMember(ownMember(body, 'params'), parameter) === name;
}

function decode(value: string): string | typeof INVALID {
  const [, encoded] = ENCODED.exec(value) ?? [];
  if (encoded === undefined) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'));
  } catch {
    return INVALID;
  }
}
