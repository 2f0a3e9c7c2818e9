import type { Dispatcher as UndiciDispatcher } from 'undici';
import { IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import type { Deadline } from '../core/timeout.js';
import { faultOfReply } from './malformed-response.js';

/**
 * An undici dispatcher: a `ProxyAgent`, an `Agent` with your own CA, a `MockAgent`.
 * It must not follow redirects: the token and the credentials would go along.
 */
export type Dispatcher = Pick<UndiciDispatcher, 'request'>;

/** Where a request goes; taken apart once, since a URL takes its parts together anew each time. */
export interface Endpoint {
  readonly href: string;
  readonly origin: string;
  /** With the query. */
  readonly path: string;
}

/** One attempt, ready to be sent. */
export interface HttpRequest {
  readonly endpoint: Endpoint;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface EndpointResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** What was read, or why it could not be; empty where nobody wanted it. */
  readonly body: string | IntrospectionError;
}

type UndiciResponse = Awaited<ReturnType<Dispatcher['request']>>;

const MAX_BODY_BYTES = 256 * 1024;
const MIN_BUFFER_BYTES = 4096;

/** Each costs as much time as a thousand bytes do; no server needs so many for a body of this size. */
const MAX_CHUNKS = 10_000;

/** Error codes are names such as ECONNREFUSED or CERT_HAS_EXPIRED. Anything else is not passed on. */
const ERROR_CODE = /^[A-Z0-9_]{1,64}$/;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function toEndpoint({ href, origin, pathname, search }: URL): Endpoint {
  return { href, origin, path: pathname + search };
}

/** A query may hold what is nobody else's business. */
export function withoutQuery({ href }: Endpoint): string {
  return href.replace(/\?.*$/, '');
}

/**
 * Sends one request and reads what is wanted of its reply. No redirect is followed.
 *
 * @throws whatever the dispatcher fails with: see {@link toIntrospectionError}
 */
export async function sendRequest(
  via: Dispatcher,
  request: HttpRequest | Omit<HttpRequest, 'body'>,
  wantsBody: (status: number) => boolean,
  deadline: Deadline,
): Promise<EndpointResponse> {
  if (deadline.passed) throw new IntrospectionError('timeout');
  const body = 'body' in request ? request.body : null;
  const response = await via.request({
    origin: request.endpoint.origin,
    path: request.endpoint.path,
    method: body === null ? 'GET' : 'POST',
    headers: request.headers,
    body,
    signal: deadline.signal,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const { statusCode: status, headers: fields } = response;
  if (wasRedirected(response)) throw badResponse(response, 'redirect');
  if (wantsBody(status)) return { status, headers: fields, body: await readText(response) };
  discard(response);
  return { status, headers: fields, body: '' };
}

/** @throws IntrospectionError when the body could not be read */
export function textOf({ body }: EndpointResponse): string {
  if (typeof body !== 'string') throw body;
  return body;
}

export function headerOf({ headers }: EndpointResponse, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return Array.isArray(value) ? value[0] : value;
}

/** Maps a transport failure to an outage. The original is dropped: its text may name hosts, headers or bodies. */
export function toIntrospectionError(error: unknown): IntrospectionError {
  if (error instanceof IntrospectionError) return error;
  const fault = faultOfReply(error);
  return fault === undefined
    ? new IntrospectionError('unreachable', codeOf(error))
    : new IntrospectionError('bad_response', fault);
}

/** The code of an error of Node's or a package's, if it has one that is safe to pass on. */
export function codeOf(error: unknown): string | undefined {
  const code = ownMember(error, 'code');
  return typeof code === 'string' && ERROR_CODE.test(code) ? code : undefined;
}

/** Reads the body up to the cap. A content coding is refused: what it expands to would be unbounded. */
function readText(response: UndiciResponse): Promise<string | IntrospectionError> {
  return new Promise((resolve) => {
    const { body, headers } = response;
    if (isCoded(ownMember(headers, 'content-encoding'))) {
      resolve(badResponse(response, 'content coding'));
      return;
    }
    let content: Uint8Array = new Uint8Array();
    let size = 0;
    let chunks = 0;
    body.on('data', function take(chunk: Uint8Array) {
      chunks++;
      if (size + chunk.byteLength > MAX_BODY_BYTES || chunks > MAX_CHUNKS) {
        // More may have arrived already.
        body.off('data', take);
        resolve(badResponse(response, chunks > MAX_CHUNKS ? 'too many chunks' : 'too large'));
        return;
      }
      content = append(content, size, chunk);
      size += chunk.byteLength;
    });
    body.on('end', () => resolve(decode(content.subarray(0, size))));
    body.on('error', (error) => resolve(toIntrospectionError(error)));
    body.on('close', () => {
      if (!body.readableEnded) resolve(toIntrospectionError(undefined));
    });
  });
}

/** Names of codings are case-insensitive, and empty members of a list do not count (RFC 9110 sections 8.4.1 and 5.6.1). */
function isCoded(contentEncoding: unknown): boolean {
  if (contentEncoding === undefined) return false;
  return String(contentEncoding)
    .split(',')
    .some((coding) => !/^[ \t]*(?:identity)?[ \t]*$/i.test(coding));
}

/**
 * Puts a chunk behind the first `size` bytes of a buffer, which it may grow. A reply in one chunk is not copied; the chunks of any other
 * are not kept, because a chunk of one byte takes a hundred bytes of memory.
 */
function append(content: Uint8Array, size: number, chunk: Uint8Array): Uint8Array {
  if (size === 0) return chunk;
  const needed = size + chunk.byteLength;
  let grown = content;
  if (needed > content.byteLength) {
    grown = new Uint8Array(Math.max(MIN_BUFFER_BYTES, 2 * needed));
    grown.set(content.subarray(0, size));
  }
  grown.set(chunk, size);
  return grown;
}

function decode(content: Uint8Array): string | IntrospectionError {
  try {
    return utf8.decode(content);
  } catch {
    return new IntrospectionError('bad_response', 'not UTF-8');
  }
}

/** A dispatcher of the app's may follow redirects; what another host says is not the endpoint's word. */
function wasRedirected(response: UndiciResponse): boolean {
  const context = ownMember(response, 'context');
  const history = ownMember(context, 'history');
  return Array.isArray(history) && history.length > 0;
}

function badResponse(response: UndiciResponse, detail: string): IntrospectionError {
  discard(response);
  return new IntrospectionError('bad_response', detail);
}

/** Destroying a body that has not ended is reported as an error of its own. */
function discard({ body }: UndiciResponse): void {
  body.on('error', () => {});
  body.destroy();
}
