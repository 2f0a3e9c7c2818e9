import { type Authenticator, createAuthenticator } from '../authenticator.js';
import { secretError } from '../core/option-error.js';
import { createIntrospector } from '../introspector.js';
import { parseOptions } from '../options/parse.js';
import { derivePolicy } from '../options/policy.js';
import type { PolicyOptions, TokenIntrospectionOptions } from '../options/types.js';
import { createAuthenticationMiddleware, withChallenge } from './authentication-middleware.js';
import { register } from './middleware-registry.js';
import { createSession } from './session.js';
import type { AuthOf, RootTokenIntrospection, TokenIntrospection } from './types.js';

/**
 * Creates middleware that authenticates each request by its bearer token. It asks the introspection endpoint
 * ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)), caches the response for a bounded time, and sets `req.auth`. A rejected request
 * gets 400, 401 or 403. If the endpoint cannot be asked, an `IntrospectionError` (503) goes to `next`.
 *
 * Not checked: whether the client sent the token over TLS, and anything that the introspection response does not say.
 *
 * @example
 * app.use('/api', tokenIntrospection({
 *   endpoint: 'https://as.example.com/oauth2/introspect',
 *   clientAuth: clientSecretBasic('reports-api', process.env.CLIENT_SECRET),
 *   audience: 'https://api.example.com',
 * }));
 *
 * @throws TypeError for a missing, invalid, unknown or contradictory option; the message names the option
 */
export function tokenIntrospection<Claims = unknown>(
  options: TokenIntrospectionOptions<Claims>,
): RootTokenIntrospection<Claims> {
  const { policy, ...settings } = parseOptions(options);
  const introspector = createIntrospector(settings);
  const { verifyConfiguration, close } = introspector;
  return Object.assign(createMiddleware<Claims>(createAuthenticator(introspector, policy)), {
    verifyConfiguration,
    close,
  });
}

function createMiddleware<Claims>(authenticator: Authenticator): TokenIntrospection<Claims> {
  const { introspector, policy } = authenticator;
  const middleware = Object.assign(createAuthenticationMiddleware({ authenticator }), {
    introspect: (token: string) => introspect(authenticator, token),
    invalidate: introspector.invalidate,
    stats: introspector.stats,
    with: <Derived = Claims>(options: PolicyOptions<Derived>) =>
      createMiddleware<Derived>(createAuthenticator(introspector, derivePolicy(policy, options, introspector))),
  });
  return register(middleware as TokenIntrospection<Claims>, authenticator);
}

async function introspect<Claims>(authenticator: Authenticator, token: string): Promise<AuthOf<Claims>> {
  if (typeof token !== 'string') throw secretError('token', token, 'write introspect(token), with a string');
  try {
    const arrivedAt = authenticator.introspector.clock.monotonic();
    const verified = await authenticator.introspect(token);
    const source = { authenticator, selected: undefined, present: undefined };
    return createSession(source, undefined, arrivedAt, verified).claims as AuthOf<Claims>;
  } catch (error) {
    throw withChallenge(error, authenticator.policy);
  }
}
