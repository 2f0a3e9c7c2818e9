import { z } from 'zod';
import type { Instant } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { MAX_VALUES } from '../core/freeze.js';
import type { ActiveRecord, InactiveRecord, TokenRecord } from '../core/lookup.js';
import { ownMember } from '../core/own-members.js';
import { type EndpointResponse, headerOf, textOf } from './http.js';
import { isJson, parseJson } from './json.js';
import { parseScopes, prepareClaims } from './response-claims.js';
import { retryAfterOf } from './retry-after.js';

/** What `normalizeResponse` is given: a reply of the endpoint, header names in lower case. */
export interface EndpointReply {
  /** Status of the reply. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: EndpointResponse['headers'];
  /** The body as it came. */
  readonly text: string;
}

/** Turns a reply that deviates from RFC 7662 into an introspection response; what it returns is still checked. */
export interface ResponseNormalizer {
  /** The statuses it is called for; any other is handled as RFC 7662 has it. */
  readonly statuses: ReadonlySet<number>;
  readonly normalize: (reply: EndpointReply) => unknown;
}

const OK = 200;
const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const TOO_MANY_REQUESTS = 429;

const time = z.number().optional();
const text = z.string().optional();

/** RFC 7662 section 2.2. It only judges: what else the endpoint sends is kept, but not by this. */
const activeResponse = z.object({
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

/** Statuses that refuse our request. The body tells whether the endpoint itself refuses it. */
const REFUSALS: ReadonlySet<number> = new Set([BAD_REQUEST, UNAUTHORIZED, FORBIDDEN]);

/** Whether the body matters: elsewhere the status says it all. */
export function isBodyNeeded(status: number, normalizer: ResponseNormalizer | undefined): boolean {
  return status === OK || REFUSALS.has(status) || normalizer?.statuses.has(status) === true;
}

/**
 * Turns a reply into what it says about the token.
 *
 * @throws IntrospectionError when it says nothing about the token
 */
export function parseResponse(
  reply: EndpointResponse,
  asked: Instant,
  normalizer: ResponseNormalizer | undefined,
): TokenRecord {
  if (normalizer?.statuses.has(reply.status)) return toRecord(normalize(reply, normalizer), asked);
  if (isUnsupportedTokenType(reply)) return { ...inactive(asked), unsupported: true };
  if (reply.status !== OK) throw statusError(reply, asked);
  const text = textOf(reply);
  if (!isJson(reply)) throw new IntrospectionError('bad_response', 'media type');
  return toRecord(parseJson(text), asked);
}

/**
 * Makes a record of an introspection response.
 *
 * @throws IntrospectionError when it is none
 */
export function toRecord(value: unknown, asked: Instant): TokenRecord {
  const members = membersOf(value);
  if (ownMember(members, 'active') === false) return inactive(asked);
  const parsed = activeResponse.safeParse(members);
  if (!parsed.success) throw new IntrospectionError('bad_response', faultyMember(parsed.error));
  // The object that was judged takes half the memory of the copy that the parser makes.
  return active(members as Record<string, unknown>, asked);
}

/** One of the members above, never a name the endpoint made up. */
function faultyMember({ issues }: z.ZodError): string {
  const member = issues[0]?.path[0];
  return typeof member === 'string' ? `member ${member}` : 'shape';
}

function active(data: Record<string, unknown>, asked: Instant): ActiveRecord {
  const claims = prepareClaims(data);
  if (claims === undefined) throw new IntrospectionError('bad_response', 'nesting');
  const scopes = parseScopes(claims.scope);
  if (scopes.length > MAX_VALUES) throw new IntrospectionError('bad_response', 'too many scopes');
  const { at: askedAt, monotonic: askedMonotonic } = asked;
  return { active: true, stale: false, claims, scopes, askedAt, askedMonotonic, logPosition: undefined };
}

function inactive(asked: Instant): InactiveRecord {
  return { active: false, jti: undefined, askedAt: asked.at, askedMonotonic: asked.monotonic, logPosition: undefined };
}

/**
 * The members of a response, without a prototype, so that every check reads what the endpoint sent and nothing else. A member that is
 * `null` is absent (some servers send every member they know).
 */
function membersOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value);
  const kept = members.filter(([name, member]) => member !== null && name !== '__proto__');
  const own = kept.length === members.length ? value : Object.fromEntries(kept);
  // `Object.create(null)` makes an object that takes twice the memory and is slower to read.
  return Object.setPrototypeOf(own, null);
}

/** The app's own code: whatever it does wrong is a reply we cannot use. The copy is ours to freeze. */
function normalize(reply: EndpointResponse, { normalize }: ResponseNormalizer): unknown {
  const { status, headers } = reply;
  const text = textOf(reply);
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

/** Anyone can present a token of a kind the endpoint does not handle: that is its word on the token, not an outage. */
function isUnsupportedTokenType(reply: EndpointResponse): boolean {
  if (reply.status !== BAD_REQUEST || !isJson(reply) || typeof reply.body !== 'string') return false;
  try {
    return ownMember(parseJson(reply.body), 'error') === 'unsupported_token_type';
  } catch {
    return false;
  }
}

function statusError(reply: EndpointResponse, asked: Instant): IntrospectionError {
  const { status } = reply;
  const detail = `HTTP ${status}`;
  const retryAfter = retryAfterOf(reply, asked.at);
  if (status === TOO_MANY_REQUESTS) return new IntrospectionError('rate_limited', detail, retryAfter);
  if (status >= 500) return new IntrospectionError('server_error', detail, retryAfter);
  if (!REFUSALS.has(status)) return new IntrospectionError('bad_response', detail);
  return isFromBeforeEndpoint(reply)
    ? new IntrospectionError('unreachable', `${detail}, not from the endpoint`)
    : new IntrospectionError('client_rejected', detail);
}

/**
 * Whether a refusal is a page or a text, such as firewalls, proxies and wrong ports send. These count as the endpoint's own word:
 *
 * - any JSON: many servers send other members than `error`, or none
 * - an empty body: RFC 6749 section 5.2 demands JSON, but some servers send only the status when the secret is wrong
 * - a 401 with a challenge: it answers the credentials that were sent, whatever the body is (RFC 6749 section 5.2)
 */
function isFromBeforeEndpoint(reply: EndpointResponse): boolean {
  const { status, body } = reply;
  if (isJson(reply) || (status === UNAUTHORIZED && headerOf(reply, 'www-authenticate') !== undefined)) return false;
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
