import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Invalidation } from '../cache/invalidation.js';
import type { Secret } from '../client-auth/secret.js';
import { AuthError } from '../core/errors.js';
import type { Next } from '../core/next.js';
import { optionError, secretError } from '../core/option-error.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import { mediaType } from '../core/syntax.js';
import { ownHeader } from '../credentials/headers.js';
import { forwardError } from './reject.js';
import { respond } from './respond.js';
import type { TokenIntrospection } from './types.js';
import { whenSettled } from './when-settled.js';

/** Options of `revocationEndpoint()`. */
export interface RevocationEndpointOptions {
  /** The middleware whose cached responses are invalidated, or a list of middlewares of different authorization servers. */
  readonly authenticate: Pick<TokenIntrospection, 'invalidate'> | readonly Pick<TokenIntrospection, 'invalidate'>[];
  /** The secret that callers send as bearer token, at least 32 characters, or a function that returns the current one. */
  readonly secret: Secret;
}

const MIN_SECRET_LENGTH = 32;
const MAX_BODY_BYTES = 16 * 1024;
const NAMES = ['token', 'sub', 'sid', 'client_id', 'jti'] as const;

const NO_STORE = { 'Cache-Control': 'no-store' };
const CHALLENGE = { ...NO_STORE, 'WWW-Authenticate': 'Bearer realm="revocation"' };

/**
 * A handler that authorization servers and logout flows can call to invalidate tokens. The request is a `POST` with the secret as bearer
 * token, and a form or JSON body with exactly one of `token`, `sub`, `sid`, `client_id` and `jti`.
 *
 * The response is 200 once the invalidation has reached all processes that share the `cache.store`. It is also 200 for unknown tokens and
 * for repeated requests ([RFC 7009 section 2.2](https://www.rfc-editor.org/rfc/rfc7009#section-2.2)). After 503, send the request again.
 *
 * The handler revokes nothing at the authorization server.
 *
 * @throws TypeError for a missing or short secret, or for a value that is not a middleware
 */
export function revocationEndpoint(
  options: RevocationEndpointOptions,
): (req: IncomingMessage, res: ServerResponse, next?: Next) => void {
  const { secret, authenticate } = ownMembers(Object(options) as RevocationEndpointOptions);
  const middlewares = [authenticate].flat();
  if (middlewares.length === 0 || !middlewares.every((middleware) => typeof middleware?.invalidate === 'function')) {
    throw optionError('authenticate', authenticate, 'write what tokenIntrospection() returned');
  }
  if (typeof secret !== 'function') requireSecret(secret);

  /**
   * Starts a new invalidation for each request, even if one for the same target is pending. Responses that were cached after the pending
   * one began must be invalidated too.
   */
  async function invalidate(name: string, value: string): Promise<void> {
    const target: Invalidation = { [name]: value };
    await Promise.all(middlewares.map(async (middleware) => middleware?.invalidate(target)));
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== 'POST')
      return respond(req, res, 405, { ...NO_STORE, Allow: 'POST' }, { error: 'invalid_request' });
    const current = requireSecret(typeof secret === 'function' ? await secret() : secret);
    if (!hasSecret(ownHeader(req, 'authorization'), current)) return respond(req, res, 401, CHALLENGE, {});
    const parameters = await parametersOf(req);
    const [named, another] = NAMES.filter((name) => ownMember(parameters, name) !== undefined);
    const value = named && ownMember(parameters, named);
    if (named === undefined || another !== undefined || typeof value !== 'string' || value === '') {
      return respond(req, res, 400, NO_STORE, { error: 'invalid_request' });
    }
    try {
      await invalidate(named, value);
    } catch (error) {
      // An `AuthError` means that the text cannot be a token. Such a text is cached nowhere, so the response is 200.
      if (!(error instanceof AuthError)) {
        return respond(req, res, 503, { ...NO_STORE, 'Retry-After': '1' }, { error: 'temporarily_unavailable' });
      }
    }
    respond(req, res, 200, NO_STORE, {});
  }

  return function revocationEndpointHandler(req, res, next) {
    whenSettled(
      handle(req, res),
      () => {},
      () => {},
      (error) => forwardError(error, { req, res, next }),
    );
  };
}

function requireSecret(secret: unknown): string {
  if (typeof secret === 'string' && secret.length >= MIN_SECRET_LENGTH) return secret;
  throw secretError(
    'secret',
    secret,
    `write at least ${MIN_SECRET_LENGTH} characters; is the environment variable set?`,
  );
}

/** Compares digests, so that the time of the comparison reveals neither the length nor the beginning of the secret. */
function hasSecret(authorization: string | undefined, secret: string): boolean {
  const [, presented = ''] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  return timingSafeEqual(hash('sha256', presented, 'buffer'), hash('sha256', secret, 'buffer'));
}

/** The parameters of a form or of a JSON object. `undefined` for any other body, and for one that is too large or was read already. */
async function parametersOf(req: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const type = mediaType(ownHeader(req, 'content-type'));
  const isForm = type === 'application/x-www-form-urlencoded';
  if (!isForm && type !== 'application/json') return undefined;
  const body = ownMember(req, 'body');
  if (body !== undefined && !isUnread(req, body)) return isRecord(body) ? body : undefined;
  const text = await textOf(req);
  if (text === undefined) return undefined;
  if (isForm) return formOf(text);
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the known parameters of a form. A repeated one is ambiguous. It becomes a list, and a list is answered with 400. */
function formOf(text: string): Record<string, unknown> {
  const form = new URLSearchParams(text);
  return Object.fromEntries(
    NAMES.map((name) => [name, form.getAll(name)] as const).map(([name, values]) => [
      name,
      values.length > 1 ? values : values[0],
    ]),
  );
}

async function textOf(req: IncomingMessage): Promise<string | undefined> {
  const chunks = await chunksOf(req);
  return chunks && Buffer.concat(chunks).toString('utf8');
}

/**
 * Reads the body. The result is `undefined` if the body is too large or was read already. The rest of a body that is too large is still
 * read and dropped, so that a response can be sent. An error thrown in a listener would be an uncaught exception.
 */
function chunksOf(req: IncomingMessage): Promise<Buffer[] | undefined> {
  return new Promise((resolve, reject) => {
    if (req.readableEnded) resolve(undefined);
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer | string) => {
      // Chunks are strings after req.setEncoding().
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, req.readableEncoding ?? 'utf8') : chunk;
      size += bytes.length;
      if (size > MAX_BODY_BYTES) resolve(undefined);
      else chunks.push(bytes);
    });
    req.on('end', () => resolve(chunks));
    req.on('error', reject);
  });
}

/** True if `req.body` is an empty object and the stream is unread: body parsers of Express 4 do so for types that they do not parse. */
function isUnread({ readableEnded }: IncomingMessage, body: unknown): boolean {
  return isRecord(body) && Object.keys(body).length === 0 && !readableEnded;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
