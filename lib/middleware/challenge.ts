import type { AuthError } from '../core/errors.js';
import type { DpopVerifier } from '../verification/sender/dpop.js';
import type { ResponseLike } from './response-like.js';

export interface ChallengeSettings {
  readonly realm: string;
  readonly resourceMetadata: string | undefined;
  /** What every request of this middleware needs. */
  readonly scopes: readonly string[];
  /** Where the scheme DPoP is accepted. */
  readonly dpop: Pick<DpopVerifier, 'algorithms' | 'isRequired' | 'nonces'> | undefined;
}

const CHALLENGE = 'WWW-Authenticate';
export const DPOP_NONCE = 'DPoP-Nonce';

/**
 * Gives a rejection its headers: the challenges behind those already on the response, and `Cache-Control`.
 *
 * @param scopes what the guards of the route need, besides the middleware's own
 * @param usesDpop whether the credentials came under that scheme
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

/** One for each scheme that is accepted; the error is that of the scheme that was used (RFC 9449 section 7.2). */
function renderChallenges(
  error: AuthError,
  settings: ChallengeSettings,
  guardScopes: readonly string[],
  usesDpop: boolean,
): string[] {
  const { dpop } = settings;
  const common = [`realm=${quote(settings.realm)}`];
  const more = [...parametersOf(error, settings, guardScopes)];
  if (dpop === undefined) return [`Bearer ${[...common, ...more].join(', ')}`];
  const algorithms = `algs=${quote(dpop.algorithms.join(' '))}`;
  if (dpop.isRequired) return [`DPoP ${[...common, ...more, algorithms].join(', ')}`];
  const [ofBearer, ofDpop] = usesDpop ? [resourceOf(settings), more] : [more, resourceOf(settings)];
  return [`Bearer ${[...common, ...ofBearer].join(', ')}`, `DPoP ${[...common, ...ofDpop, algorithms].join(', ')}`];
}

/** RFC 6750 section 3, RFC 9470 section 3, RFC 9728 section 5.1: each parameter once, each quoted. */
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

/** Other scopes mend neither a malformed request nor a claim, nor how the user authenticated. */
function shouldNameScopes({ status, reason }: AuthError): boolean {
  return (status === 401 && reason !== 'insufficient_user_authentication') || reason === 'insufficient_scope';
}

/** RFC 9110 section 5.6.4. Options are held to printable ASCII when they are parsed, so no value can end the line. */
function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

function existingChallenges(res: Partial<ResponseLike> | undefined): string[] {
  const existing = res?.getHeader?.(CHALLENGE);
  return existing === undefined ? [] : [existing].flat().map(String);
}
