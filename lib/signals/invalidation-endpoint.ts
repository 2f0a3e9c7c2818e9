import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Secret } from '../client-auth/secret.js';
import { rejectMountedFactory, secretError } from '../core/option-error.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import { ownHeader } from '../credentials/headers.js';
import { handlePost, type SignalHandler, type SignalResponse } from './handle-post.js';
import { type InvalidatedMiddleware, parseMiddlewares } from './invalidate-everywhere.js';
import { publishSignal, respondTo } from './publish-signal.js';
import { readParameters } from './request-body.js';
import { SignalError } from './signal-error.js';

/** Options of `invalidationEndpoint()`. */
export interface InvalidationEndpointOptions {
  /** The middleware whose cached responses are invalidated, or a list of middlewares of different authorization servers. */
  readonly authenticate: InvalidatedMiddleware | readonly InvalidatedMiddleware[];
  /**
   * The secret that callers send as bearer token, at least 32 characters. Or a function that returns the current secret, called for each
   * `POST` request.
   */
  readonly secret: Secret;
}

const BY = 'invalidationEndpoint';
const MIN_SECRET_LENGTH = 32;
const NAMES = ['token', 'sub', 'sid', 'client_id', 'jti'] as const;

const UNAUTHORIZED = { status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="invalidation"' }, body: {} };
const INVALID = { status: 400, body: { error: 'invalid_request' } };
const DONE = { status: 200, body: {} };

/**
 * Creates a handler for requests by which your own tools and logout flows invalidate tokens. Such a request is a `POST` with the secret as
 * bearer token, and a form or JSON body with exactly one of `token`, `sub`, `sid`, `client_id` and `jti`.
 *
 * The response is 200 when the invalidation has been stored for all processes that share the `cache.store`. It is also 200 for unknown
 * tokens and for repeated requests. After a 503, send the request again.
 *
 * The handler revokes nothing at the authorization server.
 *
 * @throws TypeError for a missing or short secret, or for a value that is not a middleware
 */
export function invalidationEndpoint(options: InvalidationEndpointOptions): SignalHandler {
  rejectMountedFactory(BY, options, `app.post('/path', ${BY}({ … }))`);
  const { secret, authenticate } = ownMembers(Object(options) as InvalidationEndpointOptions);
  const invalidate = parseMiddlewares(authenticate);
  if (typeof secret !== 'function') requireSecret(secret);

  async function handle(req: IncomingMessage): Promise<SignalResponse> {
    const current = requireSecret(typeof secret === 'function' ? await secret() : secret);
    if (!hasSecret(ownHeader(req, 'authorization'), current)) throw new SignalError('missing_credentials');
    const parameters = await readParameters(req, NAMES);
    const [name, another] = NAMES.filter((known) => ownMember(parameters, known) !== undefined);
    const value = name && ownMember(parameters, name);
    if (name === undefined || another !== undefined || typeof value !== 'string' || value === '') {
      throw new SignalError('malformed_request');
    }
    await invalidate([{ [name]: value }]);
    publishSignal({ by: BY, outcome: 'applied' });
    return DONE;
  }

  return function invalidationEndpointHandler(...context) {
    handlePost((req) => respondTo(BY, () => handle(req), reject), ...context);
  };
}

function reject({ reason }: SignalError): SignalResponse {
  return reason === 'missing_credentials' ? UNAUTHORIZED : INVALID;
}

function requireSecret(secret: unknown): string {
  if (typeof secret === 'string' && secret.length >= MIN_SECRET_LENGTH) return secret;
  throw secretError(
    'secret',
    secret,
    `write at least ${MIN_SECRET_LENGTH} characters; is the environment variable set?`,
  );
}

/**
 * Whether an `Authorization` header has the secret as bearer token. Digests are compared, so that the time of the comparison reveals
 * neither the length nor the beginning of the secret.
 */
function hasSecret(authorization: string | undefined, secret: string): boolean {
  const [, presented = ''] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  return timingSafeEqual(hash('sha256', presented, 'buffer'), hash('sha256', secret, 'buffer'));
}
