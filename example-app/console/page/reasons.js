/** What the operator is told, and the client is not; of an outage what the client may know too. */
const REASONS = {
  no_credentials: 'no token came along',
  malformed_credentials: 'what came along cannot be a token',
  repeated_credentials: 'two tokens came along',
  token_too_long: 'what came along is too long to be a token',
  inactive: 'the authorization server says it is not active: unknown, expired or revoked',
  refresh_token: 'it is a refresh token',
  expired: 'its exp has passed',
  not_yet_valid: 'its nbf has not come yet',
  issuer_mismatch: 'another server issued it',
  audience_mismatch: 'it is active, but not meant for this API: a refresh token names no audience',
  claims_rejected: 'its claims do not fit the schema',
  sender_constrained: 'it is bound to a sender that this request is not shown to come from',
  insufficient_scope: 'it does not grant the scope of this route',
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
