/**
 * Why the API refused a token: told to the operator, not to the client. The order gives each reason its colour, so the reasons
 * that are seen most come first.
 */
const REJECTIONS = {
  no_credentials: 'the request carried no token',
  inactive: 'the authorization server calls the token inactive: unknown, expired or revoked',
  audience_mismatch: 'the token is active, but it does not name this API as its audience; a refresh token names none',
  insufficient_scope: 'the token does not have the scope of this route',
  malformed_credentials: 'the credentials in the request cannot be a token',
  repeated_credentials: 'the request carried two tokens',
  invalid_dpop_proof: 'the DPoP proof is missing, or it is not for this request and token',
  sender_constrained: 'the token is bound to a key or certificate that the request did not prove',
  dpop_proof_replayed: 'the DPoP proof was used before; each is valid for one request',
  expired: 'the token has expired',
  refresh_token: 'the token is a refresh token',
  token_too_long: 'the credentials are too long to be a token',
  not_yet_valid: 'the token is not valid yet',
  issuer_mismatch: 'another server issued the token',
  claims_rejected: 'the claims do not match the schema',
  claim_mismatch: 'a claim does not have the value that this route requires',
  dpop_nonce_required: 'the DPoP proof lacks a nonce of this API',
  insufficient_user_authentication: 'the user must log in again, or with a stronger method',
  no_authorization_server: 'no authorization server was selected for this request',
  unsupported_token_type: 'the authorization server cannot introspect tokens of this kind',
};

/** Why nobody could tell whether the token is good. */
const OUTAGES = {
  unreachable: 'the authorization server could not be reached',
  timeout: 'the authorization server did not answer in time',
  circuit_open: 'the circuit breaker blocks calls, because the authorization server failed just now',
  overloaded: 'too many introspection requests were waiting in this process',
  server_error: 'the authorization server failed',
  rate_limited: 'the authorization server asked the API to slow down',
  bad_response: 'the response of the authorization server is not an introspection response',
  client_rejected: 'the authorization server refused the client id and secret of this API',
  credentials_unavailable: 'the API could not load its own credentials',
  discovery_failed: 'the metadata of the authorization server could not be used',
  replay_store_failed: 'the store of used DPoP proofs did not answer',
  claims_schema_failed: 'the claims schema failed',
  closed: 'the middleware has been closed',
};

const COLORS = 7;

/** Each group has textures of its own, so that refused tokens and outages never look alike. */
const LOOKS = new Map([
  ...looksOf(REJECTIONS, ['solid', 'dotted', 'checked'], 0),
  ...looksOf(OUTAGES, ['striped', 'ruled'], 4),
]);

/** One clause about a reason. */
export function reasonText(reason) {
  return REJECTIONS[reason] ?? OUTAGES[reason] ?? reason.replaceAll('_', ' ');
}

/** The colour and texture of a reason in charts: no two reasons share both. */
export function lookOf(reason) {
  return LOOKS.get(reason) ?? { color: '--requests', texture: 'solid' };
}

/** The first reasons of both groups have different colours too: those of outages begin with the fifth. */
function looksOf(reasons, textures, firstColor) {
  return Object.keys(reasons).map((reason, i) => {
    const color = `--reason-${((firstColor + i) % COLORS) + 1}`;
    return [reason, { color, texture: textures[Math.floor(i / COLORS)] }];
  });
}
