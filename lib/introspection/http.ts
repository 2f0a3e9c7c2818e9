import type { Dispatcher as UndiciDispatcher } from 'undici';
import { IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import type { Deadline } from '../core/timeout.js';
import { faultOfResponse } from './malformed-response.js';

/**
 * An undici dispatcher, such as a `ProxyAgent`, an `Agent` with your own CA, or a `MockAgent`. The dispatcher must not follow redirects,
 * because the token and the client authentication would be sent to the new location.
 */
export type Dispatcher = Pick<UndiciDispatcher, 'request'>;

/** Parts of the endpoint's URL. They are read once and kept, because a `URL` computes each part again on every read. */
export interface Endpoint {
  readonly href: string;
  readonly origin: string;
  /** Path and query of the URL. */
  readonly path: string;
}

/** A POST request that is ready to be sent. */
export interface HttpRequest {
  readonly endpoint: Endpoint;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface EndpointResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /**
   * The text of the body; or an error, if the body could not be read. The text is empty if {@link sendRequest} did not try to read the
   * body.
   */
  readonly body: string | IntrospectionError;
}

type UndiciResponse = Awaited<ReturnType<Dispatcher['request']>>;

const MAX_BODY_BYTES = 256 * 1024;
const MIN_BUFFER_BYTES = 4096;

/**
 * Maximum number of chunks of a body. Each chunk costs as much time as a thousand bytes. No server needs more chunks for the largest body
 * that is accepted.
 */
const MAX_CHUNKS = 10_000;

/** An error code that is safe to show: a name such as ECONNREFUSED or CERT_HAS_EXPIRED. Any other text is dropped. */
const ERROR_CODE = /^[A-Z0-9_]{1,64}$/;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function toEndpoint({ href, origin, pathname, search }: URL): Endpoint {
  return { href, origin, path: pathname + search };
}

/** Returns the URL without its query, for events and reports. A query may hold private data. */
export function withoutQuery({ href }: Endpoint): string {
  return href.replace(/\?.*$/, '');
}

/**
 * Sends one request, and reads the body of the response if `wantsBody` returns `true` for the status. Redirects are not followed.
 *
 * @throws IntrospectionError `timeout` if the deadline has passed, `bad_response` if the dispatcher followed a redirect; otherwise the
 * error of the dispatcher, see {@link toIntrospectionError}
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
  const { statusCode: status, headers } = response;
  if (wasRedirected(response)) throw badResponse(response, 'redirect');
  if (wantsBody(status)) return { status, headers, body: await readText(response) };
  discard(response);
  return { status, headers, body: '' };
}

/**
 * Returns the text of the body.
 *
 * @throws IntrospectionError when the body could not be read
 */
export function textOf({ body }: EndpointResponse): string {
  if (typeof body !== 'string') throw body;
  return body;
}

export function headerOf({ headers }: EndpointResponse, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return Array.isArray(value) ? value[0] : value;
}

/**
 * Turns the error of a failed request into an `IntrospectionError`. The original error is dropped, because its text may contain hosts,
 * headers or bodies.
 */
export function toIntrospectionError(error: unknown): IntrospectionError {
  if (error instanceof IntrospectionError) return error;
  const fault = faultOfResponse(error);
  return fault === undefined
    ? new IntrospectionError('unreachable', codeOf(error))
    : new IntrospectionError('bad_response', fault);
}

/**
 * Returns the `code` of an error from Node.js or a package. Returns `undefined` if there is no code, or if the code may not be safe to
 * show.
 */
export function codeOf(error: unknown): string | undefined {
  const code = ownMember(error, 'code');
  return typeof code === 'string' && ERROR_CODE.test(code) ? code : undefined;
}

/**
 * Reads the body, up to 256 KiB. The promise never rejects: it resolves to an error if the body is too large, incomplete, not UTF-8 or
 * compressed. A compressed body is not read, because its decoded size has no limit.
 */
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
    body.on('data', function onChunk(chunk: Uint8Array) {
      chunks++;
      if (size + chunk.byteLength > MAX_BODY_BYTES || chunks > MAX_CHUNKS) {
        // Chunks that have already arrived must not call this listener again.
        body.off('data', onChunk);
        resolve(badResponse(response, chunks > MAX_CHUNKS ? 'too many chunks' : 'too large'));
        return;
      }
      content = appendBytes(content, size, chunk);
      size += chunk.byteLength;
    });
    body.on('end', () => resolve(decode(content.subarray(0, size))));
    body.on('error', (error) => resolve(toIntrospectionError(error)));
    body.on('close', () => {
      if (!body.readableEnded) resolve(toIntrospectionError(undefined));
    });
  });
}

/**
 * Whether a `Content-Encoding` says that the body is compressed or encoded in another way. `identity` and empty list members do not count,
 * and names of codings are case-insensitive (RFC 9110 sections 8.4.1 and 5.6.1).
 */
export function isCoded(contentEncoding: unknown): boolean {
  if (contentEncoding === undefined) return false;
  return String(contentEncoding)
    .split(',')
    .some((coding) => !/^[ \t]*(?:identity)?[ \t]*$/i.test(coding));
}

/**
 * Returns a buffer with the first `size` bytes of `content`, followed by the chunk. If `content` has room, the chunk is written to
 * `content` itself, otherwise to a larger copy. With `size` 0, the chunk itself is returned. Use this function instead of a list of chunks,
 * because even a chunk of one byte takes a hundred bytes of memory.
 */
export function appendBytes(content: Uint8Array, size: number, chunk: Uint8Array): Uint8Array {
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

/** Whether the app's dispatcher followed a redirect. Such a response is not used, because another host may have sent it. */
function wasRedirected(response: UndiciResponse): boolean {
  const context = ownMember(response, 'context');
  const history = ownMember(context, 'history');
  return Array.isArray(history) && history.length > 0;
}

function badResponse(response: UndiciResponse, detail: string): IntrospectionError {
  discard(response);
  return new IntrospectionError('bad_response', detail);
}

/** Destroys the body without reading it. A body that has not arrived completely then emits an error, which is ignored. */
function discard({ body }: UndiciResponse): void {
  body.on('error', () => {});
  body.destroy();
}
