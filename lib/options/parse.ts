import type { SharedCacheOptions } from '../cache/shared/fleet.js';
import { isOwnMethod } from '../client-auth/own-method.js';
import type { Clock } from '../core/clock.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import type { Policy } from '../policy.js';
import {
  parseHeaders,
  parseJwtResponse,
  parseLocation,
  parseNormalizer,
  parseParameters,
  parseTokenParameter,
} from './endpoint.js';
import { CACHE_RULES, OPTION_RULES, POLICY_RULES, readOptions, throwOptionError } from './rules.js';
import { parseDpop, parseMtls, type SenderSettings } from './sender.js';
import type { MemoryCacheSettings, Settings } from './settings.js';
import type { CacheOptions, PolicyOptions, TokenIntrospectionOptions } from './types.js';

const SECOND = 1000;

const DEFAULT_POLICY: Omit<Policy, 'audience'> = {
  dpop: undefined,
  dpopOrigin: undefined,
  certificateOf: undefined,
  issuer: undefined,
  scopes: [],
  satisfiesScope: undefined,
  claims: undefined,
  allowRefreshTokens: false,
  clockToleranceMs: 5 * SECOND,
  optional: false,
  tokenFromBody: false,
  usesGetToken: false,
  getToken: undefined,
  realm: 'api',
  resourceMetadata: undefined,
  onReject: undefined,
};

export const SYSTEM_CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/**
 * Turns what users may write into frozen settings.
 *
 * @throws TypeError naming the option and what to write instead
 */
export function parseOptions(given: TokenIntrospectionOptions): Settings {
  rejectMountedFactory('tokenIntrospection', given, 'app.use(tokenIntrospection({ … }))');
  const options = readOptions(given, OPTION_RULES);
  for (const name of ['clientAuth', 'audience'] as const) {
    if (options[name] === undefined) throwOptionError(name, undefined, OPTION_RULES);
  }
  const { clientAuth, dispatcher } = options;
  const location = parseLocation(options);
  if (clientAuth.needsIssuer && location.issuer === undefined) {
    throw optionError(
      'issuer',
      undefined,
      'name the authorization server, or give "clientAuth" an audience of its own',
    );
  }
  if (dispatcher !== undefined && clientAuth.connect !== undefined) {
    throw optionError(
      'dispatcher',
      dispatcher,
      'leave it out: "clientAuth" brings TLS material for its own connections',
    );
  }
  const tokenParameter = parseTokenParameter(options.tokenParameter);
  const cache = parseCache(options);
  const { clock = SYSTEM_CLOCK } = options;
  return Object.freeze({
    location,
    clientAuth,
    requestFormat: options.requestFormat ?? 'form',
    tokenParameter,
    parameters: parseParameters(options.parameters, tokenParameter),
    headers: parseHeaders(options.headers),
    normalizer: parseNormalizer(options.normalizeResponse),
    signedResponse: parseJwtResponse(options),
    cache,
    timeoutMs: options.timeoutMs ?? 3000,
    dispatcher,
    clock,
    policy: parsePolicy(options, { clock, replayStore: (cache || undefined)?.shared?.store }),
  });
}

/** Demands that are derived from none. */
export function parsePolicy(options: PolicyOptions, surroundings: SenderSettings): Policy {
  return mergePolicy({ ...DEFAULT_POLICY, audience: false }, options, surroundings);
}

/**
 * The demands of a derived middleware: what is omitted is inherited, what is given replaces.
 *
 * @throws TypeError
 */
export function derivePolicy(inherited: Policy, options: PolicyOptions, surroundings: SenderSettings): Policy {
  return mergePolicy(inherited, readOptions(options, POLICY_RULES), surroundings);
}

function mergePolicy(inherited: Policy, options: PolicyOptions, surroundings: SenderSettings): Policy {
  const { clockToleranceSeconds, getToken = inherited.getToken, dpop, mtls } = options;
  const audience = options.audience === undefined ? inherited.audience : parseAudience(options.audience);
  const demands: Policy = Object.freeze({
    audience,
    ...(dpop === undefined
      ? { dpop: inherited.dpop, dpopOrigin: inherited.dpopOrigin }
      : parseDpop(dpop, audience, surroundings, inherited.dpop?.isRequired)),
    certificateOf: mtls === undefined ? inherited.certificateOf : parseMtls(mtls),
    issuer: options.issuer ?? inherited.issuer,
    scopes: options.scopes === undefined ? inherited.scopes : Object.freeze([...new Set(options.scopes)]),
    satisfiesScope: options.satisfiesScope ?? inherited.satisfiesScope,
    claims: options.claims ?? inherited.claims,
    allowRefreshTokens: options.allowRefreshTokens ?? inherited.allowRefreshTokens,
    clockToleranceMs: clockToleranceSeconds === undefined ? inherited.clockToleranceMs : clockToleranceSeconds * SECOND,
    optional: options.optional ?? inherited.optional,
    tokenFromBody: options.tokenFromBody ?? inherited.tokenFromBody,
    usesGetToken: getToken !== undefined,
    getToken,
    realm: options.realm ?? inherited.realm,
    resourceMetadata: options.resourceMetadata ?? inherited.resourceMetadata,
    onReject: options.onReject ?? inherited.onReject,
  });
  if (demands.usesGetToken && demands.tokenFromBody) {
    throw optionError('tokenFromBody', true, 'leave it out: "getToken" already says where the token is');
  }
  if (demands.dpop?.isRequired && (demands.usesGetToken || demands.tokenFromBody)) {
    const name = demands.usesGetToken ? 'getToken' : 'tokenFromBody';
    throw optionError(
      name,
      demands[name],
      'leave it out: "dpop.required" demands the scheme DPoP, and this takes others',
    );
  }
  return demands;
}

function parseAudience(audience: string | readonly string[] | false): readonly string[] | false {
  return audience === false ? false : Object.freeze(typeof audience === 'string' ? [audience] : [...audience]);
}

function parseCache(options: TokenIntrospectionOptions): MemoryCacheSettings | false {
  if (options.cache === false) return false;
  const given = readOptions(options.cache ?? {}, CACHE_RULES, 'cache.');
  const { ttlSeconds = 60, inactiveTtlSeconds = 5, maxEntries = 10_000 } = given;
  const { staleIfErrorSeconds = 0, refreshAhead = true } = given;
  return Object.freeze({
    ttlMs: ttlSeconds * SECOND,
    inactiveTtlMs: inactiveTtlSeconds * SECOND,
    maxEntries,
    maxBytes: given.maxBytes,
    staleIfErrorMs: staleIfErrorSeconds * SECOND,
    refreshAhead,
    shared: parseShared(given, options),
  });
}

function parseShared(
  { store, secrets, namespace, dangerouslyStorePlaintext }: CacheOptions,
  { clientAuth, normalizeResponse }: TokenIntrospectionOptions,
): SharedCacheOptions | undefined {
  if (store === undefined) {
    for (const [name, value] of Object.entries({ secrets, namespace })) {
      if (value !== undefined) throw optionError(`cache.${name}`, value, 'leave it out: it belongs to "cache.store"');
    }
    return undefined;
  }
  if ((secrets === undefined) !== (dangerouslyStorePlaintext === true)) {
    throwOptionError('cache.secrets', secrets, CACHE_RULES);
  }
  if (namespace === undefined && (normalizeResponse !== undefined || !isOwnMethod(clientAuth))) {
    throw optionError(
      'cache.namespace',
      namespace,
      'write a name, and change it whenever "normalizeResponse" or your own "clientAuth" changes what an answer means',
    );
  }
  return Object.freeze({ store, secrets: secrets as readonly string[] | undefined, namespace: namespace ?? '' });
}
