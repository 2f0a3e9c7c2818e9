import { ownMember } from '../core/own-members.js';
import { createIntrospector, type Introspector } from '../introspector.js';
import { derivePolicy, parseOptions } from '../options/parse.js';
import type { SenderSettings } from '../options/sender.js';
import type { Settings } from '../options/settings.js';
import { parseSeveral } from '../options/several.js';
import type {
  NamedServers,
  PolicyOptions,
  SeveralServersOptions,
  TokenIntrospectionOptions,
} from '../options/types.js';
import type { Policy } from '../policy.js';
import { createGate, type Gate, issuersOf } from './gate.js';
import { createHandler, introspect, invalidate, ownGates } from './handler.js';
import { createSeveralServers } from './several-servers.js';
import type {
  ClaimsByName,
  Invalidation,
  RootSeveralServers,
  RootTokenIntrospection,
  TokenIntrospection,
} from './types.js';

/**
 * Creates middleware that authenticates each request by its bearer token: it asks the introspection endpoint
 * ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)), remembers the answer for a bounded time, and sets `req.auth`.
 * A request it refuses is answered 400, 401 or 403; when no judgement can be made, an `IntrospectionError` (503) goes to `next`.
 *
 * With `authorizationServers`, one of several is chosen for each request, and no other is asked about its token.
 *
 * Not checked: that the token travelled over TLS, and what the endpoint does not say.
 *
 * @example
 * app.use('/api', tokenIntrospection({
 *   endpoint: 'https://as.example.com/oauth2/introspect',
 *   clientAuth: clientSecretBasic('reports-api', process.env.CLIENT_SECRET),
 *   audience: 'https://api.example.com',
 * }));
 *
 * @throws TypeError for an invalid, unknown or contradictory option, naming it
 */
export function tokenIntrospection<Claims = unknown>(
  options: TokenIntrospectionOptions<Claims>,
): RootTokenIntrospection<Claims>;
/**
 * The same for several authorization servers. `select` chooses one of `authorizationServers` for each request, and no other is asked
 * about its token.
 *
 * @throws TypeError for an invalid, unknown or contradictory option, naming it
 */
export function tokenIntrospection<Claims = unknown, Servers extends NamedServers = NamedServers>(
  options: SeveralServersOptions<Claims, Servers>,
): RootSeveralServers<ClaimsByName<Servers, Claims>>;
// Again: editors show the first overload, and `ReturnType` takes the last.
export function tokenIntrospection<Claims = unknown>(
  options: TokenIntrospectionOptions<Claims>,
): RootTokenIntrospection<Claims>;
export function tokenIntrospection(
  options: TokenIntrospectionOptions | SeveralServersOptions,
): RootTokenIntrospection | RootSeveralServers {
  if (isSeveral(options)) return createSeveralServers(parseSeveral(options));
  const { policy: demands, ...settings } = parseOptions(options);
  const shared = createIntrospector(settings);
  const { clock, cache, location } = settings;
  const surroundings = { clock, location, replayStore: (cache || undefined)?.shared?.store };
  return Object.assign(createMiddleware(shared, surroundings, demands), {
    verifyConfiguration: shared.verifyConfiguration,
    close: shared.close,
  });
}

function isSeveral(options: TokenIntrospectionOptions | SeveralServersOptions): options is SeveralServersOptions {
  return ownMember(options, 'authorizationServers') !== undefined;
}

/** What a middleware shares with all that are derived from it. */
interface Surroundings extends SenderSettings, Pick<Settings, 'location'> {}

function createMiddleware<Claims>(
  shared: Introspector,
  surroundings: Surroundings,
  demands: Policy,
  derivedFrom?: Gate,
): TokenIntrospection<Claims> {
  const issuers = issuersOf(surroundings, demands);
  const gate = createGate(shared, demands, surroundings.clock, { issuers, derivedFrom, oneOf: undefined });
  const middleware: TokenIntrospection<Claims> = Object.assign(createHandler<Claims>(gate), {
    introspect: (token: string) => introspect<Claims>(gate, token),
    invalidate: (of: Invalidation) => invalidate(shared, of),
    stats: shared.stats,
    with<Derived = Claims>(derived: PolicyOptions<Derived>) {
      return createMiddleware<Derived>(shared, surroundings, derivePolicy(demands, derived, surroundings), gate);
    },
  });
  return ownGates(middleware, gate);
}
