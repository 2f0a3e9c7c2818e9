import type { IncomingMessage } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { type Authenticator, createAuthenticator } from '../authenticator.js';
import type { Invalidation } from '../cache/invalidation.js';
import { AuthError } from '../core/errors.js';
import type { Credentials } from '../core/lookup.js';
import { optionError } from '../core/option-error.js';
import { requireSynchronous } from '../core/synchronous.js';
import type { Introspector, Stats } from '../introspector.js';
import type { PolicyOptions } from '../options/types.js';
import { createAuthenticationMiddleware, type SelectServer } from './authentication-middleware.js';
import { authenticatorOf, register } from './middleware-registry.js';
import type { Session } from './session.js';
import type {
  AuthOfServers,
  NamedServers,
  RootSelectingMiddleware,
  RootTokenIntrospection,
  SelectingMiddleware,
  TokenIntrospection,
} from './types.js';

/** A function of the app that selects the authorization server for a request. */
export type Select<Name extends string> = {
  /** Returns the name of the authorization server to ask about the token, or `undefined` to reject the request. */
  call(req: IncomingMessage, token: string): Name | undefined;
}['call'];

/** Middlewares by the name of their server, and the function that selects a server. */
interface Selection {
  readonly middlewares: ReadonlyMap<string, TokenIntrospection>;
  readonly select: Select<string>;
}

/**
 * Creates middleware for several authorization servers. For each request, `select` returns the name of one of these servers. Only this
 * server is asked about the token, and the token must meet the policy of this server. If `select` returns `undefined`, the request is
 * rejected with 401 `invalid_token`.
 *
 * `select` gets a well-formed token, but nothing about the token has been verified before. The function must be synchronous. Ready-made
 * selectors are in `express-token-introspection/selectors`.
 *
 * @example
 * const common = { audience: 'https://api.example.com', scopes: ['reports:read'] };
 * const authenticate = selectServer(
 *   { acme: tokenIntrospection({ ...common, ...acme }), beta: tokenIntrospection({ ...common, ...beta }) },
 *   byIssuer({ 'https://as.acme.example': 'acme', 'https://as.beta.example': 'beta' }),
 * );
 *
 * @throws TypeError for a server that is not what `tokenIntrospection()` returned, for a `select` that is no function, and for servers
 * whose options for reading and answering requests differ
 */
export function selectServer<Servers extends NamedServers>(
  servers: Servers,
  select: Select<keyof Servers & string>,
): RootSelectingMiddleware<AuthOfServers<Servers>, keyof Servers & string> {
  const middlewares = parseServers(servers);
  if (typeof select !== 'function') {
    throw optionError(
      'select',
      select,
      "write (req, token) => name, such as byIssuer({ 'https://as.example.com': 'name' })",
    );
  }
  const roots = [...middlewares];
  const selection: Selection = { middlewares, select: select as Select<string> };
  return Object.assign(createMiddleware(selection), {
    async verifyConfiguration() {
      const reports = roots.map(async ([name, middleware]) => [name, await middleware.verifyConfiguration()] as const);
      return Object.fromEntries(await Promise.all(reports));
    },
    async close() {
      await Promise.all(roots.map(([, middleware]) => middleware.close()));
    },
  }) as RootSelectingMiddleware<AuthOfServers<Servers>, keyof Servers & string>;
}

function parseServers(given: NamedServers): ReadonlyMap<string, RootTokenIntrospection> {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  const middlewares = new Map((isObject ? Object.entries(given) : []) as [string, RootTokenIntrospection][]);
  if (middlewares.size === 0) throw optionError('servers', given, 'write { name: tokenIntrospection({ … }), … }');
  for (const [name, middleware] of middlewares) {
    const isRoot = typeof middleware?.close === 'function' && authenticatorOf(middleware) !== undefined;
    if (!isRoot) throw optionError(`servers.${name}`, middleware, 'write what tokenIntrospection() returned');
  }
  return middlewares;
}

/**
 * Requires that all servers have the same options for reading and answering requests. A request is read only once, before a server is
 * selected.
 *
 * @throws TypeError
 */
function requireSameRequests(byName: ReadonlyMap<string, Authenticator>): void {
  const [[firstName, first], ...others] = [...byName] as [[string, Authenticator], ...[string, Authenticator][]];
  const expected = requestOptionsOf(first);
  for (const [name, authenticator] of others) {
    for (const [option, value] of Object.entries(requestOptionsOf(authenticator))) {
      if (isDeepStrictEqual(value, expected[option])) continue;
      const remedy = `write the same as for "${firstName}", because a request is read once`;
      throw optionError(`servers.${name}.${option}`, value, remedy);
    }
  }
}

/** Returns all options that decide how a request is read and answered. */
function requestOptionsOf({ policy, introspector }: Authenticator): Readonly<Record<string, unknown>> {
  const { optional, tokenFromBody, getToken, realm, resourceMetadata, onReject, options, dpopOrigin } = policy;
  const { dpop = false, mtls = false } = options;
  const { clock } = introspector;
  return {
    optional,
    tokenFromBody,
    getToken,
    dpop,
    'dpop.origin': dpopOrigin,
    mtls,
    realm,
    resourceMetadata,
    onReject,
    clock,
  };
}

function createMiddleware(selection: Selection): SelectingMiddleware {
  const middlewares = [...selection.middlewares.values()];
  const originals = new Map(
    [...selection.middlewares].map(
      ([name, middleware]) => [name, authenticatorOf(middleware) as Authenticator] as const,
    ),
  );
  requireSameRequests(originals);
  const byName = withCommonProofs(originals);
  const [reader] = [...byName.values()] as [Authenticator];
  const middleware = Object.assign(
    createAuthenticationMiddleware({ authenticator: reader, select: createSelect(selection, byName, originals) }),
    {
      invalidate: (target: Invalidation) =>
        Promise.all(middlewares.map((each) => each.invalidate(target))).then(() => undefined),
      stats: () => sum(middlewares.map((each) => each.stats())),
      with(options: PolicyOptions) {
        const derived = [...selection.middlewares].map(([name, each]) => [name, each.with(options)] as const);
        return createMiddleware({ ...selection, middlewares: new Map(derived) });
      },
    },
  );
  return register(middleware as unknown as SelectingMiddleware, [...byName.values()]);
}

/**
 * Gives all servers the DPoP verifier of the first server. So all servers share the options, the nonces and the memory of used proofs of
 * this verifier.
 */
function withCommonProofs(originals: ReadonlyMap<string, Authenticator>): ReadonlyMap<string, Authenticator> {
  const [first, ...others] = [...originals] as [[string, Authenticator], ...[string, Authenticator][]];
  const { dpop } = first[1].policy;
  if (dpop === undefined) return originals;
  const derived = others.map(
    ([name, { introspector, policy }]) =>
      [name, createAuthenticator(introspector, Object.freeze({ ...policy, dpop }))] as const,
  );
  return new Map([first, ...derived]);
}

function createSelect(
  { select }: Selection,
  byName: ReadonlyMap<unknown, Authenticator>,
  originals: ReadonlyMap<string, Authenticator>,
): SelectServer {
  const introspectors = new Set([...originals.values()].map(({ introspector }) => introspector));
  const [{ requireOpen }] = [...introspectors] as [Introspector];

  /**
   * True if an earlier middleware of this request used another of these servers for the same token. That is an error: the guards after the
   * earlier middleware have checked a response of the other server, not of the server that is selected now.
   */
  function isAnotherServer(earlier: Session | undefined, digest: string, { introspector }: Authenticator): boolean {
    if (earlier?.token.credentials.digest !== digest) return false;
    const { introspector: before } = earlier.authenticator;
    return before !== introspector && introspectors.has(before);
  }

  return (req, { token, digest }: Credentials, earlier) => {
    const name: unknown = requireSynchronous('select', select(req, token));
    if (name === undefined) {
      requireOpen();
      throw new AuthError('no_authorization_server');
    }
    const authenticator = byName.get(name);
    if (authenticator === undefined) throw new TypeError('"select" returned a value that is not the name of a server');
    if (isAnotherServer(earlier, digest, authenticator)) {
      throw new TypeError('"select" returned another name than before for the same token of the same request');
    }
    return { authenticator, selected: { name: name as string, original: originals.get(name as string) } };
  };
}

function sum(all: readonly Stats[]): Stats {
  const total = { hits: 0, misses: 0, coalesced: 0, stale: 0, endpointCalls: 0, entries: 0 };
  for (const stats of all) {
    for (const name of Object.keys(total) as (keyof Stats)[]) total[name] += stats[name];
  }
  return total;
}
