import { AuthError, IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import { limitMemory, type Precheck, type PrecheckContext } from '../core/precheck.js';
import { untilAborted } from '../core/precheck-context.js';
import { codeOf } from '../introspection/http.js';
import { type JwtFault, publishOutcome } from './jwt-events.js';
import { type JwtSettings, parseJwtOptions, type VerifyJwtOptions } from './options.js';
import { findFault, parseJwt, type UnverifiedJwt } from './parse-jwt.js';

/** Codes of jose for which the token is at fault, and the fault. Any other error says nothing about the token. */
const FAULTS: ReadonlyMap<string | undefined, JwtFault> = new Map([
  ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'signature'],
  ['ERR_JWKS_NO_MATCHING_KEY', 'unknown_key'],
  ['ERR_JWS_INVALID', 'malformed'],
  ['ERR_JOSE_ALG_NOT_ALLOWED', 'algorithm'],
  ['ERR_JOSE_NOT_SUPPORTED', 'malformed'],
]);

/**
 * A `precheck` that verifies JWTs before the endpoint is asked about them, so that a forged or expired JWT costs no introspection request.
 * It requires a valid signature, the expected `iss`, an `exp` that has not passed, an `nbf` that has passed, and the `typ` if that is set.
 * A JWT that fails is rejected with 401 `invalid_token` (reason `invalid_jwt`). `exp` and `nbf` are checked only if they are present.
 *
 * The endpoint decides about every other token: a JWT that passes, since it may be revoked; an opaque token; an encrypted JWT; and any JWT
 * while the keys of the issuer cannot be fetched, or the signature cannot be verified within half of `timeoutMs`. The channel
 * `express-token-introspection:jwt` tells each outcome.
 *
 * When the issuer replaces its keys, a new key is fetched at once. Only if the keys were fetched less than 5 seconds ago, for example
 * because of a forged JWT, tokens of the new key are rejected until those 5 seconds are over.
 *
 * Not checked: `aud` and all other claims. The introspection response and the policy decide about those.
 *
 * @example
 * tokenIntrospection({ …, precheck: verifyJwtFirst({ issuer: 'https://as.example.com' }) });
 *
 * @throws TypeError for an unknown, missing or invalid option; the message names it
 */
export function verifyJwtFirst(options: VerifyJwtOptions): Precheck {
  const settings = parseJwtOptions(options);

  return function verifyJwt(token, context) {
    const jwt = parseJwt(token);
    if (jwt === undefined) return undefined;
    const fault = findFault(jwt, settings);
    if (fault !== undefined) throw rejection(token, fault);
    if (hasUnknownKey(jwt, settings)) throw rejection(token, 'unknown_key', settings.keys.refetchableInMs());
    return requireSignature(jwt, settings, context);
  };
}

/** @throws AuthError `invalid_jwt` */
async function requireSignature(
  { token }: UnverifiedJwt,
  { keys, algorithms }: JwtSettings,
  context: PrecheckContext,
): Promise<void> {
  try {
    const verified = await untilAborted(keys.verify(token, algorithms), context, undefined);
    publishOutcome(token, verified === undefined ? 'keys_unavailable' : 'verified');
  } catch (error) {
    const fault = error instanceof IntrospectionError ? undefined : FAULTS.get(codeOf(error));
    if (fault === undefined) {
      publishOutcome(token, 'keys_unavailable');
      return;
    }
    throw rejection(token, fault, keys.refetchableInMs());
  }
}

function hasUnknownKey({ header }: UnverifiedJwt, { keys }: JwtSettings): boolean {
  const kid = ownMember(header, 'kid');
  return typeof kid === 'string' && keys.isUnknown(kid);
}

/**
 * Publishes and returns a rejection.
 *
 * @param limitMs how long the rejection may be remembered, in milliseconds: once the keys may be fetched again, another key may verify the
 * signature
 */
function rejection(token: string, fault: JwtFault, limitMs = Number.POSITIVE_INFINITY): AuthError {
  publishOutcome(token, 'rejected', fault);
  return limitMemory(new AuthError('invalid_jwt'), limitMs);
}
