import type { AuthErrorReason } from '../core/errors.js';
import type { Remedies } from './remedy.js';

/** For each reason of an `AuthError`. The details are those of `explain()`. */
export const REJECTION_REMEDIES: Remedies<AuthErrorReason> = {
  no_credentials: [
    [
      [],
      'The request has no "Authorization: Bearer" header. If the client sent one: a proxy must pass it on, and with "getToken" the header is not read.',
    ],
  ],
  malformed_credentials: [
    [['the word Bearer'], 'The token begins with the word Bearer. Send it once: "Authorization: Bearer TOKEN".'],
    [['quotes'], 'The token is in quotation marks. Send it without them.'],
    [['spaces'], 'The token contains spaces or line ends. Send the token alone, on one line.'],
    [
      [],
      'The token has characters that no bearer token has (RFC 6750 section 2.1). Send "Authorization: Bearer TOKEN", with the access token as it was issued.',
    ],
  ],
  repeated_credentials: [
    [[], 'The request has more than one token. Send one "Authorization" header, and no other token.'],
  ],
  token_too_long: [[[], 'The token is longer than 8 kB. Have the authorization server issue shorter ones.']],
  inactive: [
    [
      [],
      'Is the token from this authorization server, and not expired or revoked? Some servers also call tokens inactive that were issued for another client, or when the secret of this API is wrong.',
    ],
  ],
  unsupported_token_type: [
    [
      [],
      'This authorization server cannot introspect tokens of this kind, such as JWTs that it issued itself. Have it issue opaque tokens for this API, or verify its JWTs with a JWT library.',
    ],
  ],
  refresh_token: [[[], 'Send the access token, not the refresh token.']],
  expired: [
    [
      ['exp is 0'],
      'exp is 0, which is 1970. If the server means "never" by it, remove it with "normalizeResponse": (reply) => { const { exp, ...rest } = JSON.parse(reply.text); return exp === 0 ? rest : { ...rest, exp }; }.',
    ],
    [
      ['clock'],
      'The server calls the token active although exp has passed here, so the clocks differ. Set both by NTP, this machine first.',
    ],
    [[], 'The token has expired. The client should get a new one.'],
  ],
  not_yet_valid: [
    [
      [],
      'The server calls the token active although nbf has not come here, so the clocks differ. Set both by NTP, this machine first.',
    ],
  ],
  issuer_mismatch: [
    [['slash'], 'Write "issuer" exactly as the response writes iss, a slash at the end included.'],
    [
      ['no iss'],
      'The response has no iss. Have the server send it. If it never does, leave "issuer" out: only this server is asked.',
    ],
    [[], 'Is the token from the expected server? If so, write "issuer" exactly as the response writes iss.'],
  ],
  audience_mismatch: [
    [
      ['no aud, no token_type'],
      'The response has no aud and no token_type, which is typical of a refresh token. Send the access token. If it was one, have the server put the audience of this API into access tokens.',
    ],
    [
      ['no aud'],
      'The response has no aud. Have the server put the audience of this API into access tokens. Only if this server never sends aud, set "audience" to false: tokens for other APIs are accepted then.',
    ],
    [['slash'], 'Write "audience" exactly as the response writes aud, a slash at the end included.'],
    [
      [],
      'Is the token meant for this API? If so, write "audience" exactly as the response writes aud. Else have the client request a token for this API.',
    ],
  ],
  claims_rejected: [
    [
      [],
      'The "claims" schema does not match the response. Compare them: "npx express-token-introspection check --token" shows the response.',
    ],
  ],
  sender_constrained: [
    [
      [],
      'The token is bound to a key or certificate, and the request did not prove it. Set "dpop" or "mtls" as the tokens need it, and have the client use the scheme DPoP or its certificate.',
    ],
  ],
  no_authorization_server: [
    [
      [],
      'No authorization server was chosen for the request. Does "select" know every issuer, host or path that clients use?',
    ],
  ],
  insufficient_scope: [[[], 'The client must request a token with all scopes that the route needs.']],
  claim_mismatch: [[[], 'The token lacks the claim that the guard of this route demands.']],
  insufficient_user_authentication: [
    [
      [],
      'The user must log in again, or by a stronger method, as the challenge says. Does the response have acr and auth_time?',
    ],
  ],
  invalid_dpop_proof: [
    [
      [],
      'The DPoP proof is missing, malformed, too old, or made for another URL. Is "dpop.origin" what clients call, and are both clocks right?',
    ],
  ],
  dpop_proof_replayed: [[[], 'The DPoP proof was used before. The client must make a new proof for each request.']],
  dpop_nonce_required: [[[], 'The client must repeat the request with the nonce of the DPoP-Nonce header.']],
};
