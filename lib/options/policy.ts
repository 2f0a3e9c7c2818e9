import { optionError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import type { Policy } from '../policy.js';
import { metadataUrlOf } from './metadata-url.js';
import { readOptions } from './read-options.js';
import { POLICY_RULES } from './rules.js';
import { parseDpop, parseMtls, type SenderContext } from './sender.js';
import type { PolicyOptions } from './types.js';

const SECOND = 1000;
const DEFAULT_CLOCK_TOLERANCE_SECONDS = 5;

/**
 * Creates the frozen policy of a middleware from options that `readOptions()` has validated.
 *
 * @throws TypeError for contradictory options, and for an unknown or invalid member of `dpop`
 */
export function parsePolicy(options: PolicyOptions, context: SenderContext): Policy {
  return createPolicy(options, context, undefined);
}

/**
 * Creates the policy of a middleware that `with()` derives. An option replaces the inherited option of the same name, unless its value is
 * `undefined`.
 *
 * @throws TypeError for an unknown, invalid or contradictory option
 */
export function derivePolicy(inherited: Policy, options: PolicyOptions, context: SenderContext): Policy {
  const replaced = Object.entries(readOptions(options, POLICY_RULES)).filter(([, value]) => value !== undefined);
  // This object has no prototype, so no option is read from `Object.prototype`.
  const all: PolicyOptions = Object.assign(Object.create(null), inherited.options, Object.fromEntries(replaced));
  return createPolicy(all, context, inherited, !replaced.some(([name]) => name === 'dpop'));
}

function createPolicy(
  options: PolicyOptions,
  context: SenderContext,
  inherited: Policy | undefined,
  inheritsDpop = false,
): Policy {
  const audience = parseAudience(options.audience ?? false);
  const clockToleranceSeconds = options.clockToleranceSeconds ?? DEFAULT_CLOCK_TOLERANCE_SECONDS;
  const policy: Policy = Object.freeze({
    options: Object.freeze(ownMembers(options)),
    audience,
    // Unless `with()` sets `dpop`, the inherited verifier is used. With `nonce: true`, a new verifier would not accept its nonces.
    ...(inherited !== undefined && inheritsDpop
      ? { dpop: inherited.dpop, dpopOrigin: inherited.dpopOrigin }
      : parseDpop(options.dpop, audience, context, inherited?.dpop?.isRequired)),
    certificateThumbprint: parseMtls(options.mtls),
    issuer: options.issuer,
    scopes: Object.freeze([...new Set(options.scopes ?? [])]),
    satisfiesScope: options.satisfiesScope,
    readRoles: options.roles,
    claims: options.claims,
    allowRefreshTokens: options.allowRefreshTokens ?? false,
    clockToleranceMs: clockToleranceSeconds * SECOND,
    optional: options.optional ?? false,
    tokenFromBody: options.tokenFromBody ?? false,
    getToken: options.getToken,
    realm: options.realm ?? 'api',
    resourceMetadata: parseResourceMetadata(options.resourceMetadata, audience),
    onReject: options.onReject,
  });
  requireOneTokenSource(policy);
  return policy;
}

/**
 * @throws TypeError for `getToken` together with `tokenFromBody`, and for either of them when DPoP is required, because they read tokens
 * without a scheme
 */
function requireOneTokenSource({ getToken, tokenFromBody, dpop }: Policy): void {
  if (getToken !== undefined && tokenFromBody) {
    throw optionError('tokenFromBody', true, 'leave it out: "getToken" reads the token');
  }
  if (!dpop?.isRequired || (getToken === undefined && !tokenFromBody)) return;
  const [name, value] = getToken === undefined ? ['tokenFromBody', true] : ['getToken', getToken];
  throw optionError(name as string, value, 'leave it out: "dpop.required" needs the Authorization header');
}

function parseAudience(audience: string | readonly string[] | false): readonly string[] | false {
  return audience === false ? false : Object.freeze(typeof audience === 'string' ? [audience] : [...audience]);
}

function parseResourceMetadata(
  option: PolicyOptions['resourceMetadata'],
  audience: readonly string[] | false,
): string | undefined {
  if (option !== true) return option;
  const [only, another] = audience === false ? [] : audience;
  const url = only !== undefined && another === undefined ? metadataUrlOf(only) : undefined;
  if (url !== undefined) return url;
  throw optionError('resourceMetadata', true, 'write the URL of the metadata: "audience" is not one URL');
}
