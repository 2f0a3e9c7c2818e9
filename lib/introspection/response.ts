import { z } from 'zod';
import type { Instant } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { MAX_VALUES } from '../core/freeze.js';
import type { ActiveRecord, InactiveRecord, TokenRecord } from '../core/lookup.js';
import { ownMember } from '../core/own-members.js';
import { isPlainToken } from '../core/token-facts.js';
import { type EndpointResponse, headerOf, textOf } from './http.js';
import { isJson, parseJson } from './json.js';
import { parseScopes, prepareClaims } from './response-claims.js';
import { retryAfterOf } from './retry-after.js';

/** A response of the endpoint, as it is passed to `normalizeResponse`. */
export interface EndpointReply {
  /** HTTP status code. */
  readonly status: number;
  /** Header fields, names in lower case. */
  readonly headers: EndpointResponse['headers'];
  /** Text of the body, unchanged. */
  readonly text: string;
}

/**
 * Turns a response that deviates from RFC 7662 into an introspection response. The result is validated like any other introspection
 * response.
 */
export interface ResponseNormalizer {
  /** Statuses of the responses that are passed to `normalize`. Responses with other statuses are read as RFC 7662 says. */
  readonly statuses: ReadonlySet<number>;
  readonly normalize: (response: EndpointReply) => unknown;
  readonly identity: string | undefined;
}

const OK = 200;
const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const TOO_MANY_REQUESTS = 429;

let activeResponse: ReturnType<typeof createActiveResponseSchema> | undefined;

/**
 * Creates the schema of an active response (RFC 7662 section 2.2). It only validates. Its output is not used, so members of the response
 * that the schema does not list are kept.
 */
function createActiveResponseSchema() {
  const time = z.number().optional();
  const text = z.string().optional();
  return z.object({
    active: z.literal(true),
    scope: z.union([z.string(), z.array(z.string().regex(/^[^ ]+$/))]).optional(),
    client_id: text,
    username: text,
    token_type: text,
    exp: time,
    iat: time,
    nbf: time,
    sub: text,
    aud: z.union([z.string(), z.array(z.string())]).optional(),
    iss: text,
    jti: text,
  });
}

/**
 * Returns the schema of an active response, and creates it at the first call. This takes longer than to load a file, so it is not done
 * when this file is loaded. Call this function before requests arrive: zod cannot create a schema when something has added members to
 * `Object.prototype`.
 */
export function prepareResponseSchema(): ReturnType<typeof createActiveResponseSchema> {
  activeResponse ??= createActiveResponseSchema();
  return activeResponse;
}

/**
 * Statuses that reject the introspection request itself. The body of such a response shows who sent the response: the endpoint, or
 * something in front of the endpoint, such as a proxy.
 */
const REJECTIONS: ReadonlySet<number> = new Set([BAD_REQUEST, UNAUTHORIZED, FORBIDDEN]);

/** Whether the body of an introspection response with this status must be read. Other bodies are dropped. */
export function isBodyNeeded(status: number, normalizer: ResponseNormalizer | undefined): boolean {
  return status === OK || REJECTIONS.has(status) || normalizer?.statuses.has(status) === true;
}

/**
 * Turns a response into a token record.
 *
 * @throws IntrospectionError when the response is not a valid introspection response
 */
export function parseResponse(
  response: EndpointResponse,
  sentAt: Instant,
  normalizer: ResponseNormalizer | undefined,
): TokenRecord {
  if (normalizer?.statuses.has(response.status)) return toRecord(normalize(response, normalizer), sentAt);
  if (isUnsupportedTokenType(response)) return { ...inactive(sentAt), unsupported: true };
  if (response.status !== OK) throw statusError(response, sentAt);
  const text = textOf(response);
  if (!isJson(response)) throw new IntrospectionError('bad_response', 'media type');
  return toRecord(parseJson(text), sentAt);
}

/**
 * Turns parsed JSON into a token record. The record keeps the parsed object, and the function changes that object.
 *
 * @throws IntrospectionError `bad_response` when the JSON is no introspection response
 */
export function toRecord(value: unknown, sentAt: Instant): TokenRecord {
  const members = membersOf(value);
  if (ownMember(members, 'active') === false) return inactive(sentAt);
  const parsed = prepareResponseSchema().safeParse(members);
  if (!parsed.success) throw new IntrospectionError('bad_response', faultyMember(parsed.error));
  // `members` takes half the memory of the copy that zod makes.
  return active(members as Record<string, unknown>, sentAt);
}

/**
 * Returns the detail of an error: the name of the first invalid member, or `shape` if the value is no object. It is a name that the schema
 * lists, never a name that the endpoint chose.
 */
function faultyMember({ issues }: z.ZodError): string {
  const member = issues[0]?.path[0];
  return typeof member === 'string' ? `member ${member}` : 'shape';
}

function active(data: Record<string, unknown>, sentAt: Instant): ActiveRecord {
  const claims = prepareClaims(data);
  if (claims === undefined) throw new IntrospectionError('bad_response', 'nesting');
  const scopes = parseScopes(claims.scope);
  if (scopes.length > MAX_VALUES) throw new IntrospectionError('bad_response', 'too many scopes');
  const { at: askedAt, monotonic: askedMonotonic } = sentAt;
  const isPlain = isPlainToken(claims);
  return { active: true, isPlain, stale: false, claims, scopes, askedAt, askedMonotonic, logPosition: undefined };
}

function inactive(sentAt: Instant): InactiveRecord {
  return {
    active: false,
    jti: undefined,
    askedAt: sentAt.at,
    askedMonotonic: sentAt.monotonic,
    logPosition: undefined,
  };
}

/**
 * Removes the prototype of an object, so that every check reads only what the endpoint sent. Also drops members that are `null`, because
 * some servers send every member they know. If members are dropped, the result is a copy; otherwise it is the same object.
 * A value that is not an object is returned unchanged.
 */
function membersOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const members = value as Record<string, unknown>;
  const isDropped = (name: string) => members[name] === null;
  const names = Object.keys(members);
  const copy = names.some(isDropped)
    ? Object.fromEntries(Object.entries(members).filter(([name]) => !isDropped(name)))
    : members;
  // An object from `Object.create(null)` takes twice the memory and is slower to read.
  return Object.setPrototypeOf(copy, null);
}

/**
 * Calls the `normalizeResponse` of the app. The result is copied, because it is changed and frozen later.
 *
 * @throws IntrospectionError `bad_response` if the function throws, or returns a promise or a value that cannot be copied; or the error
 * that prevented reading the body
 */
function normalize(response: EndpointResponse, { normalize }: ResponseNormalizer): unknown {
  const { status, headers } = response;
  const text = textOf(response);
  try {
    const value = normalize({ status, headers, text });
    if (typeof value === 'object' && value !== null && 'then' in value) {
      Promise.resolve(value).catch(() => {});
      throw new Error('asynchronous');
    }
    return structuredClone(value);
  } catch {
    throw new IntrospectionError('bad_response', 'normalizeResponse failed');
  }
}

/**
 * Whether the response says that the endpoint does not support the type of the token. Anyone can present such a token, so the token is
 * rejected, and the response is no outage.
 */
function isUnsupportedTokenType(response: EndpointResponse): boolean {
  if (response.status !== BAD_REQUEST || !isJson(response) || typeof response.body !== 'string') return false;
  try {
    return ownMember(parseJson(response.body), 'error') === 'unsupported_token_type';
  } catch {
    return false;
  }
}

function statusError(response: EndpointResponse, sentAt: Instant): IntrospectionError {
  const { status } = response;
  const detail = `HTTP ${status}`;
  const retryAfter = retryAfterOf(response, sentAt.at);
  if (status === TOO_MANY_REQUESTS) return new IntrospectionError('rate_limited', detail, retryAfter);
  if (status >= 500) return new IntrospectionError('server_error', detail, retryAfter);
  if (!REJECTIONS.has(status)) return new IntrospectionError('bad_response', detail);
  return isFromBeforeEndpoint(response)
    ? new IntrospectionError('unreachable', `${detail}, not from the endpoint`)
    : new IntrospectionError('client_rejected', detail);
}

/**
 * Whether something in front of the endpoint sent this 400, 401 or 403, such as a firewall, a proxy or the server of a wrong port. True if
 * the body is a page or a text, or cannot be read. But these responses count as sent by the endpoint:
 *
 * - any JSON, because many servers send other members than `error`, or none
 * - an empty body: RFC 6749 section 5.2 requires JSON, but some servers send only the status when the secret is wrong
 * - a 401 with a challenge, with any body, because it is about the credentials that were sent (RFC 6749 section 5.2)
 */
function isFromBeforeEndpoint(response: EndpointResponse): boolean {
  const { status, body } = response;
  if (isJson(response) || (status === UNAUTHORIZED && headerOf(response, 'www-authenticate') !== undefined))
    return false;
  if (typeof body !== 'string') return true;
  return body.trim() !== '' && !isJsonObject(body);
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
