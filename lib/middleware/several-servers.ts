import type { IncomingMessage, ServerResponse } from 'node:http';
import { requireB64Token } from '../credentials/token.js';
import { AuthError } from '../errors.js';
import { createSharedLookup, type SharedLookup, type Stats } from '../lookup.js';
import type { NamedServers, Next, SeveralDemandOptions } from '../options.js';
import type { Demands } from '../settings.js';
import { deriveSeveral, type SeveralDemands, type SeveralSettings } from '../several-settings.js';
import type { ClaimsSchema } from '../types.js';
import type { ConfigurationReport } from '../verify-configuration.js';
import { createGate, type Gate, issuersOf } from './gate.js';
import { type Choose, createHandler, introspect, invalidate, ownGates } from './handler.js';
import { atOnce } from './request-facts.js';
import type { Session } from './session.js';
import type { AuthOf, Invalidation, RootTokenIntrospection, TokenIntrospection } from './token-introspection.js';

/** By the name of each server, what its `claims` schema makes of claims, else that of all. */
export type ClaimsByName<Servers extends NamedServers, Common> = {
  readonly [Name in keyof Servers]: Servers[Name] extends {
    /** The server's own. */
    readonly claims: ClaimsSchema<infer Own>;
  }
    ? Own
    : 'claims' extends keyof Servers[Name]
      ? unknown
      : Common;
};

/**
 * One of several authorization servers, without requests. It is no middleware: mounted behind the whole, it would send a token to a
 * server that was not selected.
 */
export type SingleServer<Claims = unknown> = Pick<TokenIntrospection<Claims>, 'introspect' | 'invalidate' | 'stats'> &
  Pick<RootTokenIntrospection, 'verifyConfiguration'>;

/** The middleware over several authorization servers, and what else can be done with them. */
export interface SeveralServers<ByName extends object = Record<string, unknown>> {
  (req: IncomingMessage, res: ServerResponse, next?: Next): void;

  /** Each of them by its name, to introspect a token that came without a request, or to forget what one server said. */
  readonly servers: { readonly [Name in keyof ByName]: SingleServer<ByName[Name]> };

  /**
   * Judges a request outside the middleware, such as a WebSocket upgrade, by the server selected for it. `req.auth` is not set.
   *
   * @throws AuthError what the middleware would answer, its `headers` included; without credentials even where those are optional
   * @throws IntrospectionError when no judgement could be made
   * @throws TypeError where `select` returned no name
   */
  authenticateRequest(req: IncomingMessage): Promise<AuthOf<ByName[keyof ByName]>>;

  /**
   * Forgets a token, or every token with this claim, whichever server spoke of it; as `invalidate()` of a single one. The same `sub`
   * may be somebody else at another server: `servers.name.invalidate({ sub })` spares that one a question.
   */
  invalidate(of: Invalidation): Promise<void>;

  /** Counts since creation, of all servers together; each has its own. */
  stats(): Stats;

  /**
   * A second middleware over the same servers, selected the same way, with other demands; what is given replaces those of all.
   *
   * @throws TypeError for a wrong option, or one that is not a demand
   */
  with(demands: SeveralDemandOptions & { readonly claims?: undefined }): SeveralServers<ByName>;
  /** The same with a `claims` schema, which then is that of all servers. */
  with<Claims>(demands: SeveralDemandOptions<Claims>): SeveralServers<{ readonly [Name in keyof ByName]: Claims }>;
}

export interface RootSeveralServers<ByName extends object = Record<string, unknown>> extends SeveralServers<ByName> {
  /**
   * Asks each endpoint about a random token, past the caches, and says by name what that taught.
   *
   * @throws IntrospectionError `closed`
   */
  verifyConfiguration(): Promise<{ readonly [Name in keyof ByName]: ConfigurationReport }>;

  /** Closes them all, as `close()` of a single one. */
  close(): Promise<void>;
}

/** What all middlewares derived from one another share. */
interface Family extends Omit<SeveralSettings, 'demands'> {
  readonly lookups: ReadonlyMap<string, SharedLookup>;
}

export function createSeveralServers({ demands, ...settings }: SeveralSettings): RootSeveralServers {
  const lookups = new Map([...settings.servers].map(([name, server]) => [name, createSharedLookup(server)]));
  return Object.assign(createMiddleware({ ...settings, lookups }, demands), {
    async verifyConfiguration() {
      const all = [...lookups].map(async ([name, lookup]) => [name, await lookup.verifyConfiguration()] as const);
      return byName(await Promise.all(all));
    },
    async close() {
      await Promise.all([...lookups.values()].map((lookup) => lookup.close()));
    },
  });
}

function createMiddleware(family: Family, demands: SeveralDemands, derivedFrom?: Gate): SeveralServers {
  const { servers, lookups, surroundings } = family;
  const { clock } = surroundings;
  const ownOf = (name: string) => demands.each.get(name) as Demands;
  const known = [...servers].map(([name, server]) => issuersOf(server, ownOf(name)));
  const issuers = known.some(({ length }) => length === 0) ? [] : [...new Set(known.flat())];
  const entrance = createGate(nobody(lookups), demands.common, clock, { issuers, derivedFrom, oneOf: undefined });
  const gates = new Map(
    [...lookups].map(([name, lookup]) => {
      const oneOf = { name, family, entrance };
      return [name, createGate(lookup, ownOf(name), clock, { issuers: [], derivedFrom: undefined, oneOf })] as const;
    }),
  );
  const middleware: SeveralServers = Object.assign(createHandler(entrance, chooserOf(family, gates)), {
    servers: byName([...lookups].map(([name, lookup]) => [name, toServer(lookup, gates.get(name) as Gate)])),
    invalidate: (of: Invalidation) =>
      Promise.all([...lookups.values()].map((lookup) => invalidate(lookup, of))).then(() => {}),
    stats: () => sum([...lookups.values()].map((lookup) => lookup.stats())),
    with: (derived: SeveralDemandOptions) =>
      createMiddleware(family, deriveSeveral(demands, derived, surroundings), entrance),
  });
  return ownGates(middleware, entrance, [...gates.values()]);
}

/** Chooses by what the request says; nobody has been asked yet. */
function chooserOf({ select }: Family, gates: ReadonlyMap<unknown, Gate>): Choose {
  return (req, { token, key }, earlier) => {
    requireB64Token(token);
    const name: unknown = atOnce('select', select(req, token));
    if (name === undefined) throw new AuthError('no_authorization_server');
    const gate = gates.get(name);
    if (gate === undefined) throw new TypeError('"select" returned what is no name in "authorizationServers"');
    if (isAnother(earlier, key, gate)) {
      throw new TypeError('"select" returned another name than before for the same token of the same request');
    }
    return gate;
  };
}

/** What guards have let pass on the word of one server says nothing about the word of another. */
function isAnother(earlier: Session | undefined, key: string, { oneOf }: Gate): boolean {
  const before = earlier?.verified.question.key === key ? earlier.gate.oneOf : undefined;
  return before !== undefined && before.family === oneOf?.family && before.name !== oneOf.name;
}

/** In place of a server where none has been chosen. */
function nobody(lookups: Family['lookups']): Parameters<typeof createGate>[0] {
  const [{ requireOpen }] = [...lookups.values()] as [SharedLookup];
  const refuse = () => {
    throw new AuthError('no_authorization_server');
  };
  // It accepts nothing, so that its refusals say nothing about the configuration.
  const watchRefusals = () => ({ stop() {}, refused() {} });
  return { authority: '', requireOpen, watchRefusals, lookup: refuse, watch: refuse, lifeMs: 0, staleLifeMs: 0 };
}

function toServer(lookup: SharedLookup, gate: Gate): SingleServer {
  const server: SingleServer = Object.freeze({
    introspect: (token: string) => introspect(gate, token),
    invalidate: (of: Invalidation) => invalidate(lookup, of),
    stats: lookup.stats,
    verifyConfiguration: lookup.verifyConfiguration,
  });
  return ownGates(server, gate);
}

/** Without a prototype, so that only names are in it. */
function byName<T>(entries: readonly (readonly [name: string, value: T])[]): Readonly<Record<string, T>> {
  const record: Record<string, T> = Object.create(null);
  for (const [name, value] of entries) record[name] = value;
  return Object.freeze(record);
}

function sum(all: readonly Stats[]): Stats {
  const total = { hits: 0, misses: 0, coalesced: 0, stale: 0, endpointCalls: 0, entries: 0 };
  for (const stats of all) {
    for (const name of Object.keys(total) as (keyof Stats)[]) total[name] += stats[name];
  }
  return total;
}
