import { SYSTEM_CLOCK } from '../core/clock.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { createReplayGuard } from '../verification/sender/replay.js';
import { parseCache } from './cache.js';
import {
  parseHeaders,
  parseJwtResponse,
  parseLocation,
  parseNormalizer,
  parseParameters,
  parseTokenParameter,
} from './endpoint.js';
import { parsePolicy } from './policy.js';
import { OPTION_RULES, readOptions, throwOptionError } from './rules.js';
import type { Settings } from './settings.js';
import type { TokenIntrospectionOptions } from './types.js';

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
  const replay = createReplayGuard(clock, (cache || undefined)?.shared?.store);
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
    replay,
    policy: parsePolicy(options, { clock, replay }),
  });
}
