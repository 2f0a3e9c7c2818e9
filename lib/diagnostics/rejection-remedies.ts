import type { AuthErrorReason } from '../core/errors.js';
import type { Remedies } from './remedy.js';

/** Remedies for each reason of an `AuthError`. The details come from `explain()`. */
export const REJECTION_REMEDIES: Remedies<AuthErrorReason> = {
  no_credentials: [
    [
      [],
      'The request has no "Authorization: Bearer" header. If the client sends this header, check that every proxy passes it on. If "getToken" is set, the header is not read.',
    ],
  ],
  malformed_credentials: [
    [
      ['the word Bearer'],
      'The token begins with the word Bearer. Send the word only once: "Authorization: Bearer TOKEN".',
    ],
    [['quotes'], 'The token is in quotation marks. Send the token without them.'],
    [['spaces'], 'The token contains spaces or line breaks. Send only the token, on one line.'],
    [
      [],
      'The token has characters that are not allowed in a bearer token (RFC 6750 section 2.1). Send "Authorization: Bearer TOKEN", with the access token exactly as it was issued.',
    ],
  ],
  repeated_credentials: [
    [[], 'The request has more than one token. Send one "Authorization" header, and no other token.'],
  ],
  token_too_long: [[[], 'The token is longer than 8 kB. Configure the authorization server to issue shorter tokens.']],
  inactive: [
    [
      [],
      'The authorization server says that the token is not active. The token may be expired, revoked, or from another server. Some servers also call a token inactive if it was issued for another client, or if the secret of this API is wrong.',
    ],
  ],
  unsupported_token_type: [
    [
      [],
      'This authorization server cannot introspect tokens of this type, such as JWTs that it issued itself. Configure the server to issue opaque tokens for this API, or verify its JWTs with a JWT library.',
    ],
  ],
  invalid_jwt: [
    [
      [],
      'The JWT is forged, expired, or from another server. The endpoint was not asked about it. If the JWT is genuine, check "issuer", "algorithms" and "typ" of verifyJwtFirst(). The channel "jwt" tells which check failed.',
    ],
  ],
  refresh_token: [[[], 'Send the access token, not the refresh token.']],
  expired: [
    [
      ['exp is 0'],
      'exp is 0, which means 1970. If the server means "never", remove exp with "normalizeResponse": (reply) => { const { exp, ...rest } = JSON.parse(reply.text); return exp === 0 ? rest : { ...rest, exp }; }.',
    ],
    [
      ['clock'],
      'The server says that the token is active, but exp has passed on this machine, so the clocks differ. Synchronize both clocks with NTP. Begin with the clock of this machine.',
    ],
    [[], 'The token has expired. The client must get a new one.'],
  ],
  not_yet_valid: [
    [
      [],
      'The server says that the token is active, but nbf is still in the future on this machine, so the clocks differ. Synchronize both clocks with NTP. Begin with the clock of this machine.',
    ],
  ],
  issuer_mismatch: [
    [['slash'], 'Write "issuer" exactly as iss in the response, including a slash at the end.'],
    [
      ['no iss'],
      'The response has no iss. Configure the server to send iss. If it never sends iss, leave "issuer" out: only this server is asked about the tokens.',
    ],
    [[], 'Check that the token is from the expected server. If it is, write "issuer" exactly as iss in the response.'],
  ],
  audience_mismatch: [
    [
      ['no aud, no token_type'],
      'The response has no aud and no token_type, which is typical of a refresh token. Send the access token. If the client sent the access token, configure the server to put the audience of this API into access tokens.',
    ],
    [
      ['no aud'],
      'The response has no aud. Configure the server to put the audience of this API into access tokens. Only if this server never sends aud, set "audience" to false. Then tokens for other APIs are accepted too.',
    ],
    [['slash'], 'Write "audience" exactly as aud in the response, including a slash at the end.'],
    [
      [],
      'Check that the token is meant for this API. If it is, write "audience" exactly as aud in the response. If not, the client must request a token for this API.',
    ],
  ],
  claims_rejected: [
    [
      [],
      'The claims in the response do not match the "claims" schema. Run "npx express-token-introspection check --token" to see the response.',
    ],
  ],
  sender_constrained: [
    [
      [],
      'The token is bound to a key or certificate that the request did not prove. Or DPoP was used or is required, and the token is not bound to a key. Set "dpop" for DPoP tokens, or "mtls" for tokens that are bound to a certificate. The client must use the scheme DPoP, or its certificate.',
    ],
  ],
  no_authorization_server: [
    [
      [],
      'No authorization server was selected for the request. Check that "select" knows every issuer, host or path that clients use.',
    ],
  ],
  insufficient_scope: [[[], 'The client must request a token with the scopes that the route requires.']],
  claim_mismatch: [[[], 'The token does not have the claim that the guard of this route requires.']],
  insufficient_role: [
    [
      [],
      'The token does not have the role that the guard of this route requires. Give the user the role. Check that the response has the role where the option "roles" looks for it.',
    ],
  ],
  actor_mismatch: [
    [
      [],
      'The guard of this route requires another actor, or no actor. Check the claim act in the response: it names the party that acts for the user.',
    ],
  ],
  no_user: [
    [
      [],
      'The guard of this route requires a user, but the token is for the client itself. The client must request a token for a user. Check that the response has sub and client_id.',
    ],
  ],
  insufficient_user_authentication: [
    [
      [],
      'The user must log in again, or with a stronger method, as the challenge says. Check that the response has acr and auth_time.',
    ],
  ],
  invalid_dpop_proof: [
    [
      [],
      'The DPoP proof is missing, malformed, too old, or made for another URL. Check that "dpop.origin" is the origin that clients call, and that the clocks of the client and of this machine are right.',
    ],
  ],
  dpop_proof_replayed: [[[], 'The DPoP proof was used before. The client must create a new proof for each request.']],
  dpop_nonce_required: [[[], 'The client must repeat the request with the nonce in the DPoP-Nonce header.']],
};
