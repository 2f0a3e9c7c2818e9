import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Secret } from '../client-auth/secret.js';
import { AuthError } from '../core/errors.js';
import type { Next } from '../core/next.js';
import { optionError, secretError } from '../core/option-error.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import { mediaType } from '../core/syntax.js';
import { ownHeader } from '../credentials/headers.js';
import type { Invalidation } from '../introspector.js';
import { forwardError } from './reject.js';
import { respond } from './respond.js';
import { whenSettled } from './settle.js';
import type { TokenIntrospection } from './types.js';

/** What `revocationEndpoint()` takes. */
export interface RevocationEndpointOptions {
  /** Whose answers are forgotten: a middleware, or several that ask different authorization servers. */
  readonly authenticate: Pick<TokenIntrospection, 'invalidate'> | readonly Pick<TokenIntrospection, 'invalidate'>[];
  /** What callers present as bearer token, at least 32 characters; or a function that returns the current one. */
  readonly secret: Secret;
}

const MIN_SECRET_LENGTH = 32;
const MAX_BODY_BYTES = 16 * 1024;
const NAMES = ['token', 'sub', 'sid', 'client_id', 'jti'] as const;

const NO_STORE = { 'Cache-Control': 'no-store' };
const CHALLENGE = { ...NO_STORE, 'WWW-Authenticate': 'Bearer realm="revocation"' };

/**
 * A handler for authorization servers and logout flows that call back: `POST` with a form or JSON body that names one of `token`,
 * `sub`, `sid`, `client_id` and `jti`, and the secret as bearer token. It forgets the answers about it, in all processes that share a
 * `cache.store`, and answers 200 once they have been told; the same again is 200 again, and so is what nobody knows
 * ([RFC 7009 section 2.2](https://www.rfc-editor.org/rfc/rfc7009#section-2.2)). 503 means: tell me again.
 *
 * It does not revoke anything at the authorization server.
 *
 * @throws TypeError for a missing or short secret, or a middleware that is none
 */
export function revocationEndpoint(
  options: RevocationEndpointOptions,
): (req: IncomingMessage, res: ServerResponse, next?: Next) => void {
  const { secret, authenticate } = ownMembers(Object(options) as RevocationEndpointOptions);
  const all = [authenticate].flat();
  if (all.length === 0 || !all.every((each) => typeof each?.invalidate === 'function')) {
    throw optionError('authenticate', authenticate, 'write what tokenIntrospection() returned');
  }
  if (typeof secret !== 'function') requireSecret(secret);

  /** Each call anew, though the same be under way: what was answered since that began is to be forgotten too. */
  async function forget(name: string, value: string): Promise<void> {
    const of: Invalidation = { [name]: value };
    await Promise.all(all.map(async (each) => each?.invalidate(of)));
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== 'POST')
      return respond(req, res, 405, { ...NO_STORE, Allow: 'POST' }, { error: 'invalid_request' });
    const current = requireSecret(typeof secret === 'function' ? await secret() : secret);
    if (!presents(ownHeader(req, 'authorization'), current)) return respond(req, res, 401, CHALLENGE, {});
    const parameters = await parametersOf(req);
    const [named, another] = NAMES.filter((name) => ownMember(parameters, name) !== undefined);
    const value = named && ownMember(parameters, named);
    if (named === undefined || another !== undefined || typeof value !== 'string' || value === '') {
      return respond(req, res, 400, NO_STORE, { error: 'invalid_request' });
    }
    try {
      await forget(named, value);
    } catch (error) {
      // What cannot be a token is known nowhere.
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

/** Digests are compared, so that neither length nor beginning of the secret shows in the time it takes. */
function presents(authorization: string | undefined, secret: string): boolean {
  const [, presented = ''] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  return timingSafeEqual(hash('sha256', presented, 'buffer'), hash('sha256', secret, 'buffer'));
}

/** `undefined` for a body that is too large, unreadable, or of another type. */
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

/** A parameter that is repeated is none that can be relied on. */
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

/** Node discards the rest of a body that is too large, so that there can be an answer. Nothing may throw in the listeners. */
function chunksOf(req: IncomingMessage): Promise<Buffer[] | undefined> {
  return new Promise((resolve, reject) => {
    if (req.readableEnded) resolve(undefined);
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer | string) => {
      // It is a string after req.setEncoding().
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, req.readableEncoding ?? 'utf8') : chunk;
      size += bytes.length;
      if (size > MAX_BODY_BYTES) resolve(undefined);
      else chunks.push(bytes);
    });
    req.on('end', () => resolve(chunks));
    req.on('error', reject);
  });
}

/** Parsers of Express 4 leave an empty body behind where the type is not theirs. */
function isUnread({ readableEnded }: IncomingMessage, body: unknown): boolean {
  return isRecord(body) && Object.keys(body).length === 0 && !readableEnded;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
