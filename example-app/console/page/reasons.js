/** What the operator is told, and the client is not; of an outage what the client may know too. */
const REASONS = {
  no_credentials: 'no token came along',
  malformed_credentials: 'what came along cannot be a token',
  repeated_credentials: 'two tokens came along',
  token_too_long: 'what came along is too long to be a token',
  inactive: 'the authorization server calls the token inactive: unknown, expired or revoked',
  refresh_token: 'the token is a refresh token',
  expired: 'the token has expired',
  not_yet_valid: 'the token is not valid yet',
  issuer_mismatch: 'another server issued the token',
  audience_mismatch: 'the token is active, but not meant for this API: a refresh token names no audience',
  claims_rejected: 'the claims do not fit the schema',
  sender_constrained: 'the token is bound to a sender that this request is not shown to come from',
  insufficient_scope: 'the token does not grant the scope of this route',
  claim_mismatch: 'a claim is not as this route wants it',
  invalid_dpop_proof: 'the proof is missing, or not one for this request and token',
  dpop_proof_replayed: 'the proof was used before: each is good for one request',
  dpop_nonce_required: 'the proof lacks a nonce of this API',
  timeout: 'the authorization server did not answer in time',
  unreachable: 'the authorization server could not be reached',
  server_error: 'the authorization server failed',
  rate_limited: 'the authorization server asked for a pause',
  bad_response: 'the authorization server answered nonsense',
  client_rejected: 'the authorization server refused this API’s own credentials',
  circuit_open: 'the circuit breaker is open: the authorization server failed just now, and is spared',
};

export function reasonText(reason) {
  return REASONS[reason] ?? reason.replaceAll('_', ' ');
}
