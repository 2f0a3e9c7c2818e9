const PART = /([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+)))?[\s,]*/g;

/** Challenges of a `WWW-Authenticate` header (RFC 9110 section 11.6.1), each with its parameters in order. */
export function parseChallenges(header) {
  const challenges = [];
  for (const [, name, quotedValue, plainValue] of header.matchAll(PART)) {
    const value = quotedValue?.replace(/\\(.)/g, '$1') ?? plainValue;
    if (value === undefined) challenges.push({ scheme: name, parameters: [] });
    else challenges.at(-1)?.parameters.push({ name, value });
  }
  return challenges;
}

const SCHEMES = {
  Bearer: 'Send a bearer token. Anyone who has it can use it.',
  DPoP: 'Or send a token that is bound to a key, with a proof signed by that key.',
};

const ERRORS = {
  invalid_request: 'The request is malformed. For example, it has two tokens. A new token does not help.',
  invalid_token: 'The API does not accept this token, so get a new one. The client does not learn the reason.',
  insufficient_scope: 'The token is valid, but it lacks a scope. Get a token with the scope named here.',
  invalid_dpop_proof: 'The token needs a proof for this request. The proof is missing or invalid.',
  use_dpop_nonce: 'Make a new proof with the nonce of this response, and send the request again.',
  insufficient_user_authentication: 'The user must log in again, or with a stronger method.',
};

const PARAMETERS = {
  realm: 'Name of the protected area.',
  error_description: 'A text for developers. It is always the same, so it does not help an attacker to guess tokens.',
  scope: 'All scopes that this route requires.',
  algs: 'Signature algorithms that the API accepts in proofs.',
  nonce: 'A value from the server. The next proof must contain it.',
  acr_values: 'Accepted ways to log in.',
  max_age: 'Maximum number of seconds since the user logged in.',
  resource_metadata: 'Address of the document that names the authorization servers of this API.',
};

/** Explains a scheme in one sentence. */
export function explainScheme(scheme) {
  return SCHEMES[scheme] ?? 'Another authentication scheme.';
}

/** Explains a parameter in one or two sentences. */
export function explainParameter({ name, value }) {
  return name === 'error'
    ? (ERRORS[value] ?? 'Why the token was rejected.')
    : (PARAMETERS[name] ?? 'A parameter of this scheme.');
}
