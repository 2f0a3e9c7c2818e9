import type { AuthError } from '../core/errors.js';
import type { DpopVerifier } from '../verification/sender/dpop.js';
import type { ResponseLike } from './response-like.js';

export interface ChallengeSettings {
  readonly realm: string;
  readonly resourceMetadata: string | undefined;
  /** Scopes that the middleware requires of every token. */
  readonly scopes: readonly string[];
  /** The DPoP settings for challenges; `undefined` if the scheme DPoP is not accepted. */
  readonly dpop: Pick<DpopVerifier, 'algorithms' | 'isRequired' | 'nonces'> | undefined;
}

const CHALLENGE = 'WWW-Authenticate';
export const DPOP_NONCE = 'DPoP-Nonce';

/**
 * Sets `error.headers`: `WWW-Authenticate`, `Cache-Control`, and `DPoP-Nonce` if nonces are in use and the request used the scheme DPoP.
 * Challenges that are already on `res` come before the new challenges.
 *
 * @param scopes scopes that the guards of the route require, besides those of the middleware
 * @param usesDpop whether the request used the scheme DPoP
 */
export function addChallenge(
  error: AuthError,
  settings: ChallengeSettings,
  scopes: readonly string[] = [],
  res?: Partial<ResponseLike>,
  usesDpop = false,
): void {
  const challenges = [...existingChallenges(res), ...renderChallenges(error, settings, scopes, usesDpop)];
  const nonce = usesDpop ? settings.dpop?.nonces?.current() : undefined;
  error.headers = {
    [CHALLENGE]: challenges.length === 1 ? (challenges[0] as string) : challenges,
    ...(nonce !== undefined && { [DPOP_NONCE]: nonce }),
    'Cache-Control': 'no-store',
  };
}

/**
 * Returns one challenge for each accepted scheme, Bearer and DPoP. If both are accepted, only one challenge names the error: that of DPoP
 * if the request used DPoP, otherwise that of Bearer (RFC 9449 section 7.2).
 */
function renderChallenges(
  error: AuthError,
  settings: ChallengeSettings,
  guardScopes: readonly string[],
  usesDpop: boolean,
): string[] {
  const { dpop } = settings;
  const common = [`realm=${quote(settings.realm)}`];
  const parameters = parametersOf(error, settings, guardScopes);
  if (dpop === undefined) return [`Bearer ${[...common, ...parameters].join(', ')}`];
  const algorithms = `algs=${quote(dpop.algorithms.join(' '))}`;
  if (dpop.isRequired) return [`DPoP ${[...common, ...parameters, algorithms].join(', ')}`];
  const [ofBearer, ofDpop] = usesDpop ? [resourceOf(settings), parameters] : [parameters, resourceOf(settings)];
  return [`Bearer ${[...common, ...ofBearer].join(', ')}`, `DPoP ${[...common, ...ofDpop, algorithms].join(', ')}`];
}

/**
 * Returns the parameters of a challenge (RFC 6750 section 3, RFC 9470 section 3 and RFC 9728 section 5.1). Each parameter is named once,
 * and its value is quoted.
 */
function parametersOf(error: AuthError, settings: ChallengeSettings, guardScopes: readonly string[]): string[] {
  const parameters: string[] = [];
  if (error.code !== undefined) {
    parameters.push(`error=${quote(error.code)}`, `error_description=${quote(error.message)}`);
  }
  const scopes = shouldNameScopes(error) ? new Set([...settings.scopes, ...guardScopes, ...error.scopes]) : new Set();
  if (scopes.size > 0) parameters.push(`scope=${quote([...scopes].join(' '))}`);
  const acrValues = error.authentication?.acrValues ?? [];
  const maxAgeSeconds = error.authentication?.maxAgeSeconds;
  if (acrValues.length > 0) parameters.push(`acr_values=${quote(acrValues.join(' '))}`);
  if (maxAgeSeconds !== undefined) parameters.push(`max_age=${quote(String(maxAgeSeconds))}`);
  return [...parameters, ...resourceOf(settings)];
}

function resourceOf({ resourceMetadata }: ChallengeSettings): string[] {
  return resourceMetadata === undefined ? [] : [`resource_metadata=${quote(resourceMetadata)}`];
}

/**
 * True if the challenge should have the parameter `scope`. The result is false after a malformed request, a wrong claim or an insufficient
 * user authentication, because a token with other scopes would not help.
 */
function shouldNameScopes({ status, reason }: AuthError): boolean {
  return (status === 401 && reason !== 'insufficient_user_authentication') || reason === 'insufficient_scope';
}

/**
 * Returns the text as a quoted string (RFC 9110 section 5.6.4). The text has no line break, because options and parameters allow only
 * printable ASCII.
 */
function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

function existingChallenges(res: Partial<ResponseLike> | undefined): string[] {
  const existing = res?.getHeader?.(CHALLENGE);
  return existing === undefined ? [] : [existing].flat().map(String);
}
