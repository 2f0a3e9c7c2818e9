/**
 * Reasons why the API rejected a request. The operator sees them, the client does not. Colours are assigned in this order, so the most
 * frequent reasons come first and differ by colour.
 */
const REJECTIONS = {
  no_credentials: 'the request has no token',
  inactive: 'the authorization server reports the token as inactive: unknown, expired or revoked',
  audience_mismatch: 'the token is active, but this API is not its audience (a refresh token has no audience)',
  insufficient_scope: 'the token does not have the scope that this route requires',
  malformed_credentials: 'the credentials in the request are malformed',
  repeated_credentials: 'the request has two tokens',
  invalid_dpop_proof: 'the DPoP proof is missing, invalid, or not for this request and token',
  sender_constrained: 'the token is bound to a key or certificate, and the request does not prove that it has it',
  dpop_proof_replayed: 'the DPoP proof was used before, and each proof is valid for one request',
  expired: 'the token has expired',
  refresh_token: 'the token is a refresh token',
  token_too_long: 'the credentials are too long to be a token',
  not_yet_valid: 'the token is not valid yet',
  issuer_mismatch: 'another authorization server issued the token',
  claims_rejected: 'the claims of the token do not match the schema',
  claim_mismatch: 'a claim does not have the value that this route requires',
  insufficient_role: 'the token does not have the role that this route requires',
  actor_mismatch: 'another party acts for the user than this route requires',
  no_user: 'the token belongs to a client, and this route requires a user',
  dpop_nonce_required: 'the DPoP proof does not contain a nonce of this API',
  insufficient_user_authentication: 'the user must log in again, or with a stronger method',
  no_authorization_server: 'no authorization server was selected for this request',
  invalid_jwt: 'the token is a forged or expired JWT, or one of another server, so nobody was asked about it',
  unsupported_token_type: 'the authorization server cannot introspect tokens of this kind',
};

/** Reasons why the API could not check a token. */
const OUTAGES = {
  unreachable: 'the authorization server could not be reached',
  timeout: 'the authorization server did not respond in time',
  circuit_open: 'the circuit breaker blocks calls, because the authorization server failed recently',
  overloaded: 'too many introspection requests were waiting in this process',
  server_error: 'the authorization server responded with an error',
  rate_limited: 'the authorization server rejected the call because of its rate limit',
  bad_response: 'the authorization server sent something other than an introspection response',
  client_rejected: 'the authorization server rejected the client id and secret of this API',
  credentials_unavailable: 'the API could not load its own credentials',
  discovery_failed: 'the metadata of the authorization server could not be used',
  replay_store_failed: 'the store of used DPoP proofs failed',
  claims_schema_failed: 'the claims schema failed',
  precheck_failed: 'the check before the introspection request failed',
  closed: 'the middleware has been closed',
};

const COLORS = 7;

/** The two groups have different textures, so that rejections and outages never look the same. */
const LOOKS = new Map([
  ...looksOf(REJECTIONS, ['solid', 'dotted', 'checked', 'banded'], 0),
  ...looksOf(OUTAGES, ['striped', 'ruled'], 4),
]);

/** Explains a reason as a clause without a capital letter or full stop. */
export function reasonText(reason) {
  return REJECTIONS[reason] ?? OUTAGES[reason] ?? reason.replaceAll('_', ' ');
}

/** Colour and texture of a reason in charts. No two reasons have both in common. */
export function lookOf(reason) {
  return LOOKS.get(reason) ?? { color: '--requests', texture: 'solid' };
}

/** `firstColor` differs between the groups, so that their first reasons differ by colour too. */
function looksOf(reasons, textures, firstColor) {
  return Object.keys(reasons).map((reason, i) => {
    const color = `--reason-${((firstColor + i) % COLORS) + 1}`;
    return [reason, { color, texture: textures[Math.floor(i / COLORS)] }];
  });
}
