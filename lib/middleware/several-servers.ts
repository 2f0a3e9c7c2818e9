import { AuthError } from '../core/errors.js';
import { requireB64Token } from '../credentials/token.js';
import { createIntrospector, type Introspector, type Stats } from '../introspector.js';
import { deriveSeveral, type SeveralPolicy, type SeveralSettings } from '../options/several.js';
import type { SeveralPolicyOptions } from '../options/types.js';
import type { Policy } from '../policy.js';
import { createGate, type Gate, issuersOf } from './gate.js';
import { type Choose, createHandler, introspect, invalidate, ownGates } from './handler.js';
import { requireSynchronous } from './request-facts.js';
import type { Session } from './session.js';
import type { Invalidation, RootSeveralServers, SeveralServers, SingleServer } from './types.js';

/** What all middlewares derived from one another share. */
interface Family extends Omit<SeveralSettings, 'demands'> {
  readonly lookups: ReadonlyMap<string, Introspector>;
}

export function createSeveralServers({ demands, ...settings }: SeveralSettings): RootSeveralServers {
  const lookups = new Map([...settings.servers].map(([name, server]) => [name, createIntrospector(server)]));
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

function createMiddleware(family: Family, demands: SeveralPolicy, derivedFrom?: Gate): SeveralServers {
  const { servers, lookups, surroundings } = family;
  const { clock } = surroundings;
  const ownOf = (name: string) => demands.each.get(name) as Policy;
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
    with: (derived: SeveralPolicyOptions) =>
      createMiddleware(family, deriveSeveral(demands, derived, surroundings), entrance),
  });
  return ownGates(middleware, entrance, [...gates.values()]);
}

/** Chooses by what the request says; nobody has been asked yet. */
function chooserOf({ select }: Family, gates: ReadonlyMap<unknown, Gate>): Choose {
  return (req, { token, digest: key }, earlier) => {
    requireB64Token(token);
    const name: unknown = requireSynchronous('select', select(req, token));
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
  const before = earlier?.token.credentials.digest === key ? earlier.gate.oneOf : undefined;
  return before !== undefined && before.family === oneOf?.family && before.name !== oneOf.name;
}

/** In place of a server where none has been chosen. */
function nobody(lookups: Family['lookups']): Parameters<typeof createGate>[0] {
  const [{ requireOpen }] = [...lookups.values()] as [Introspector];
  const refuse = () => {
    throw new AuthError('no_authorization_server');
  };
  // It accepts nothing, so that its refusals say nothing about the configuration.
  const watchRefusals = () => ({ stop() {}, rejected() {} });
  return { id: '', requireOpen, watchRefusals, lookup: refuse, watch: refuse, lifeMs: 0, staleLifeMs: 0 };
}

function toServer(lookup: Introspector, gate: Gate): SingleServer {
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
