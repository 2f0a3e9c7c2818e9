import type { IncomingMessage } from 'node:http';
import { ownMember } from '../core/own-members.js';
import { mediaType } from '../core/syntax.js';
import { ownHeader } from '../credentials/headers.js';
import { appendBytes, isCoded } from '../introspection/body-text.js';

const MAX_BODY_BYTES = 64 * 1024;

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPES = ['application/json'];

/** A body: its text, or the object that a body parser of the app created from it. */
type Body = string | Record<string, unknown>;

/**
 * Returns the parameters of a form body that have these names, or all members of a JSON object.
 *
 * @returns `undefined` for any other body, and for a body that is larger than 64 kB, compressed, or was read already without leaving its
 * content in `req.body`
 */
export async function readParameters(
  req: IncomingMessage,
  names: readonly string[],
): Promise<Record<string, unknown> | undefined> {
  return isType(req, [FORM]) ? readForm(req, names) : readJson(req);
}

/**
 * Returns the parameters of a form body that have these names; `undefined` for any other body. The value of a repeated parameter is a list.
 */
export async function readForm(
  req: IncomingMessage,
  names: readonly string[],
): Promise<Record<string, unknown> | undefined> {
  const body = await readBody(req, [FORM]);
  if (typeof body !== 'string') return body;
  const form = new URLSearchParams(body);
  const parameters = names.map((name) => [name, form.getAll(name)] as const);
  return Object.fromEntries(parameters.map(([name, values]) => [name, values.length > 1 ? values : values[0]]));
}

/** Returns the members of a body that is a JSON object; `undefined` for any other body. */
export async function readJson(req: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const body = await readBody(req, JSON_TYPES);
  if (typeof body !== 'string') return body;
  try {
    const value: unknown = JSON.parse(body);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the text of a body of this media type. Returns `undefined` for another media type, and for a body that is larger than 64 kB or
 * compressed. Also returns `undefined` for a body that other code has read already, unless its text is in `req.body`.
 */
export async function readText(req: IncomingMessage, type: string): Promise<string | undefined> {
  const body = await readBody(req, [type]);
  return typeof body === 'string' ? body : undefined;
}

/**
 * Returns the content that a body parser of the app has put into `req.body`. If there was no such parser, reads the content from the
 * request.
 */
async function readBody(req: IncomingMessage, types: readonly string[]): Promise<Body | undefined> {
  if (!isType(req, types) || isCoded(ownHeader(req, 'content-encoding'))) return undefined;
  const body = ownMember(req, 'body');
  if (body === undefined || isUnread(req, body)) return textOf(req);
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return isRecord(body) ? body : undefined;
  const bytes = Buffer.from(body as string);
  return bytes.byteLength > MAX_BODY_BYTES ? undefined : bytes.toString('utf8');
}

function isType(req: IncomingMessage, types: readonly string[]): boolean {
  return types.includes(mediaType(ownHeader(req, 'content-type')));
}

/**
 * Reads the body. Resolves to `undefined` if the body is too large or was read already. The rest of a body that is too large is still read
 * and dropped, so that a response can be sent. No listener throws, because that would be an uncaught exception.
 */
function textOf(req: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    if (req.readableEnded) resolve(undefined);
    let content: Uint8Array = new Uint8Array();
    let size = 0;
    req.on('data', (chunk: Buffer | string) => {
      // Chunks are strings after req.setEncoding().
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, req.readableEncoding ?? 'utf8') : chunk;
      if (size + bytes.byteLength > MAX_BODY_BYTES) {
        content = new Uint8Array();
        size = Number.POSITIVE_INFINITY;
        resolve(undefined);
      } else {
        content = appendBytes(content, size, bytes);
        size += bytes.byteLength;
      }
    });
    req.on('end', () => resolve(Buffer.from(content.subarray(0, size)).toString('utf8')));
    req.on('error', reject);
  });
}

/**
 * True if `req.body` is an empty object and the body has not been read. Body parsers of Express 4 set such an object for media types that
 * they do not parse.
 */
function isUnread({ readableEnded }: IncomingMessage, body: unknown): boolean {
  return isRecord(body) && Object.keys(body).length === 0 && !readableEnded;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
