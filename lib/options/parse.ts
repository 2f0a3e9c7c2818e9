import { SYSTEM_CLOCK } from '../core/clock.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { createReplayGuard } from '../verification/sender/replay.js';
import { parseCache } from './cache.js';
import { parseHeaders, parseLocation, parseNormalizer, parseParameters, parseTokenParameter } from './endpoint.js';
import { parseJwtResponse } from './jwt-response.js';
import { parsePolicy } from './policy.js';
import { readOptions, rejectOption } from './read-options.js';
import { OPTION_RULES } from './rules.js';
import type { Settings } from './settings.js';
import type { TokenIntrospectionOptions } from './types.js';

/**
 * Validates the options of `tokenIntrospection()`, and returns frozen settings with all defaults filled in.
 *
 * @throws TypeError for a missing, unknown, invalid or contradictory option. The message says which option it is, and what to write
 */
export function parseOptions(input: TokenIntrospectionOptions): Settings {
  rejectMountedFactory('tokenIntrospection', input, 'app.use(tokenIntrospection({ … }))');
  const options = readOptions(input, OPTION_RULES);
  for (const name of ['clientAuth', 'audience'] as const) {
    if (options[name] === undefined) rejectOption(name, undefined, OPTION_RULES);
  }
  const { clientAuth, dispatcher } = options;
  const location = parseLocation(options);
  if (clientAuth.needsIssuer && location.issuer === undefined) {
    throw optionError(
      'issuer',
      undefined,
      'write the issuer identifier of the authorization server, or give "clientAuth" an audience of its own',
    );
  }
  if (dispatcher !== undefined && clientAuth.connect !== undefined) {
    throw optionError(
      'dispatcher',
      dispatcher,
      'leave it out: "clientAuth" opens connections of its own, with its TLS material',
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
    precheck: options.precheck,
    policy: parsePolicy(options, { clock, replay }),
  });
}
