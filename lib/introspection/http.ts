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

/** A GET request that is ready to be sent. */
export type GetRequest = Omit<HttpRequest, 'body'>;

export interface EndpointResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The text of the body; or an error, if the body could not be read. The text is empty if the body was not wanted. */
  readonly body: string | IntrospectionError;
}

/**
 * Sends one request, and reads the body of the response if `wantsBody` returns `true` for the status. Redirects are not followed.
 *
 * @throws IntrospectionError `timeout` if the deadline has passed, `bad_response` if a dispatcher of the app followed a redirect, or the
 * result of {@link toIntrospectionError}
 */
export type SendRequest = (
  request: HttpRequest | GetRequest,
  wantsBody: (status: number) => boolean,
  deadline: Deadline,
) => Promise<EndpointResponse>;

/** An error code that is safe to show: a name such as ECONNREFUSED or CERT_HAS_EXPIRED. Any other text is dropped. */
const ERROR_CODE = /^[A-Z0-9_]{1,64}$/;

export function toEndpoint({ href, origin, pathname, search }: URL): Endpoint {
  return { href, origin, path: pathname + search };
}

/** Returns the URL without its query, for events and reports. A query may hold private data. */
export function withoutQuery({ href }: Endpoint): string {
  return href.replace(/\?.*$/, '');
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
