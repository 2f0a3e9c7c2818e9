import { introspectorId } from '../cache/introspector-id.js';
import { isOwnMethod } from '../client-auth/own-method.js';
import { optionError } from '../core/option-error.js';
import type { Policy } from '../policy.js';
import { derivePolicy, parseOptions, parsePolicy, SYSTEM_CLOCK } from './parse.js';
import { OPTION_RULES, REQUEST_RULES, readOptions, SEVERAL_RULES, SHARED_RULES, throwOptionError } from './rules.js';
import type { SenderSettings } from './sender.js';
import type { Settings } from './settings.js';
import type {
  AuthorizationServerOptions,
  PolicyOptions,
  SeveralPolicyOptions,
  SeveralServersOptions,
  TokenIntrospectionOptions,
} from './types.js';

/** Several authorization servers, and how one of them is chosen for a request. */
export interface SeveralSettings {
  readonly servers: ReadonlyMap<string, Settings>;
  readonly select: SeveralServersOptions['select'];
  readonly surroundings: SenderSettings;
  readonly demands: SeveralPolicy;
}

export interface SeveralPolicy {
  /** By which a request is read before a server is chosen, and answered when none is. */
  readonly common: Policy;
  /** Each server's own, with the same way to read and to answer. */
  readonly each: ReadonlyMap<string, Policy>;
}

/**
 * Turns what users may write about several servers into frozen settings.
 *
 * @throws TypeError naming the option, of which server it is, and what to write instead
 */
export function parseSeveral(given: SeveralServersOptions): SeveralSettings {
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && Object.hasOwn(OPTION_RULES, name) && !Object.hasOwn(SEVERAL_RULES, name)) {
      throw optionError(name, value, 'write it in each of "authorizationServers"');
    }
  }
  const { authorizationServers, select, clock = SYSTEM_CLOCK, ...demands } = readOptions(given, SEVERAL_RULES);
  if (select === undefined) throwOptionError('select', select, SEVERAL_RULES);
  const inherited = { ...pick(demands, SHARED_RULES), clock };
  const servers = new Map(
    Object.entries(authorizationServers).map(([name, entry]) => [name, parseEntry(name, entry, inherited)]),
  );
  requireTellable(servers);
  const replayStore = [...servers.values()].map(({ cache }) => (cache || undefined)?.shared?.store).find(Boolean);
  const surroundings = { clock, replayStore };
  const common = parsePolicy(demands, surroundings);
  const each = withCommon(common, servers, (server) => server.policy);
  return Object.freeze({ servers, select, surroundings, demands: { common, each } });
}

/**
 * The demands of a derived middleware: what is given replaces those of all servers.
 *
 * @throws TypeError
 */
export function deriveSeveral(
  inherited: SeveralPolicy,
  given: SeveralPolicyOptions,
  surroundings: SenderSettings,
): SeveralPolicy {
  const options = readOptions(given, { ...SHARED_RULES, ...REQUEST_RULES });
  const judging = pick(options, SHARED_RULES);
  const common = derivePolicy(inherited.common, options, surroundings);
  return { common, each: withCommon(common, inherited.each, (own) => derivePolicy(own, judging, surroundings)) };
}

function parseEntry(
  server: string,
  given: AuthorizationServerOptions,
  inherited: Pick<TokenIntrospectionOptions, 'clock'> & PolicyOptions,
): Settings {
  try {
    const own = readOptions(given, OPTION_RULES);
    for (const [name, value] of Object.entries(own)) {
      if (value === undefined || !(name === 'clock' || Object.hasOwn(REQUEST_RULES, name))) continue;
      throw optionError(name, value, 'write it beside "authorizationServers": it is one for all');
    }
    return parseOptions({ ...inherited, ...pick(own, OPTION_RULES) } as TokenIntrospectionOptions);
  } catch (error) {
    throw error instanceof TypeError ? inServer(server, error) : error;
  }
}

/** Answers in a shared cache are kept apart by who is asked and by namespace, where that tells servers from one another. */
function requireTellable(servers: ReadonlyMap<string, Settings>): void {
  const plain = new Map<string, boolean>();
  for (const [server, settings] of servers) {
    const shared = (settings.cache || undefined)?.shared;
    if (shared === undefined) continue;
    const scope = JSON.stringify([introspectorId(settings), shared.namespace]);
    const isPlain = isOwnMethod(settings.clientAuth) && settings.normalizer === undefined;
    if (plain.has(scope) && !(isPlain && plain.get(scope))) {
      throw inServer(
        server,
        optionError(
          'cache.namespace',
          shared.namespace,
          'write another than for other servers: nothing else here tells their answers apart',
        ),
      );
    }
    plain.set(scope, isPlain);
  }
}

function inServer(server: string, { message }: Error): TypeError {
  return new TypeError(`authorizationServers.${server}: ${message}`);
}

/** The same to read and to answer a request by, whichever server judges it: what was read to choose one is what it judges. */
function withCommon<T>(
  { optional, tokenFromBody, usesGetToken, getToken, dpop, dpopOrigin, certificateOf, ...answering }: Policy,
  servers: ReadonlyMap<string, T>,
  own: (server: T) => Policy,
): ReadonlyMap<string, Policy> {
  const { realm, resourceMetadata, onReject } = answering;
  const reading = { optional, tokenFromBody, usesGetToken, getToken, dpop, dpopOrigin, certificateOf };
  const common = { ...reading, realm, resourceMetadata, onReject };
  return new Map([...servers].map(([name, server]) => [name, Object.freeze({ ...own(server), ...common })]));
}

/** Of what is not omitted, that which has a rule there. */
function pick<T extends object>(options: T, rules: Readonly<Record<string, unknown>>): Partial<T> {
  const kept = Object.entries(options).filter(([name, value]) => value !== undefined && Object.hasOwn(rules, name));
  return Object.fromEntries(kept) as Partial<T>;
}
