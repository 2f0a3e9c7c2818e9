import type { AuthErrorReason } from '../core/errors.js';
import type { Remedies } from './remedy.js';

/** Remedies for each reason of an `AuthError`. The details come from `explain()`. */
export const REJECTION_REMEDIES: Remedies<AuthErrorReason> = {
  no_credentials: [
    [
      [],
      'The request has no "Authorization: Bearer" header. If the client sends one, check that the proxies pass it on. With "getToken" the header is not read.',
    ],
  ],
  malformed_credentials: [
    [
      ['the word Bearer'],
      'The token begins with the word Bearer. Send the word only once: "Authorization: Bearer TOKEN".',
    ],
    [['quotes'], 'The token is in quotation marks. Send it without them.'],
    [['spaces'], 'The token contains spaces or line breaks. Send only the token, on one line.'],
    [
      [],
      'The token has characters that are not allowed in a bearer token (RFC 6750 section 2.1). Send "Authorization: Bearer TOKEN", with the access token exactly as it was issued.',
    ],
  ],
  repeated_credentials: [
    [[], 'The request has more than one token. Send one "Authorization" header, and no other token.'],
  ],
  token_too_long: [[[], 'The token is longer than 8 kB. Have the authorization server issue shorter tokens.']],
  inactive: [
    [
      [],
      'The authorization server says that the token is not active. It may be expired, revoked, or from another server. Some servers also say so when a token was issued for another client, or when the secret of this API is wrong.',
    ],
  ],
  unsupported_token_type: [
    [
      [],
      'This authorization server cannot introspect tokens of this kind, such as JWTs that it issued itself. Have it issue opaque tokens for this API, or verify its JWTs with a JWT library.',
    ],
  ],
  invalid_jwt: [
    [
      [],
      'The JWT is forged, expired, or from another server, so the endpoint was not asked. If it is genuine, check "issuer", "algorithms" and "typ" of verifyJwtFirst(). The channel "jwt" tells which check failed.',
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
      'The server says that the token is active, but exp has passed on this machine, so the clocks differ. Synchronize both with NTP, this machine first.',
    ],
    [[], 'The token has expired. The client must get a new one.'],
  ],
  not_yet_valid: [
    [
      [],
      'The server says that the token is active, but nbf is still in the future on this machine, so the clocks differ. Synchronize both with NTP, this machine first.',
    ],
  ],
  issuer_mismatch: [
    [['slash'], 'Write "issuer" exactly as iss in the response, including a slash at the end.'],
    [
      ['no iss'],
      'The response has no iss. Have the server send it. If it never does, leave "issuer" out: only this server is asked.',
    ],
    [[], 'Check that the token is from the expected server. If it is, write "issuer" exactly as iss in the response.'],
  ],
  audience_mismatch: [
    [
      ['no aud, no token_type'],
      'The response has no aud and no token_type, which is typical of a refresh token. Send the access token. If it was the access token, have the server put the audience of this API into access tokens.',
    ],
    [
      ['no aud'],
      'The response has no aud. Have the server put the audience of this API into access tokens. Only if this server never sends aud, set "audience" to false: then tokens for other APIs are accepted too.',
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
      'The token is bound to a key or certificate that the request did not prove. Set "dpop" or "mtls" as the tokens require it. The client must use the scheme DPoP, or its certificate.',
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
      'The token does not have the role that the guard of this route requires. Give the user the role, and check that the response has it where the option "roles" reads it.',
    ],
  ],
  actor_mismatch: [
    [
      [],
      'The guard of this route requires another actor, or none. Check act in the response: it is the party that acts for the user.',
    ],
  ],
  no_user: [
    [
      [],
      'The guard of this route requires a user, and the client presents a token of its own. Have it act for a user. Check that the response has sub and client_id.',
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
      'The DPoP proof is missing, malformed, too old, or made for another URL. Check that "dpop.origin" is the origin that clients call, and that both clocks are right.',
    ],
  ],
  dpop_proof_replayed: [[[], 'The DPoP proof was used before. The client must create a new proof for each request.']],
  dpop_nonce_required: [[[], 'The client must repeat the request with the nonce in the DPoP-Nonce header.']],
};
