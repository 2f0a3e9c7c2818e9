const PART = /([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+)))?[\s,]*/g;

/** The challenges of a `WWW-Authenticate` header (RFC 9110 section 11.6.1), each with its parameters in order. */
export function parseChallenges(header) {
  const challenges = [];
  for (const [, name, quoted, plain] of header.matchAll(PART)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) challenges.push({ scheme: name, parameters: [] });
    else challenges.at(-1)?.parameters.push({ name, value });
  }
  return challenges;
}

const SCHEMES = {
  Bearer: 'Send a bearer token: whoever holds it may use it.',
  DPoP: 'Or send a token bound to a key, with a proof signed with that key.',
};

const ERRORS = {
  invalid_request: 'The request is malformed, for example it has two tokens. Another token does not help.',
  invalid_token: 'This token is not good here. Get another one. The API does not tell the client why.',
  insufficient_scope: 'The token is good, but it does not allow enough. Get one with the scope named here.',
  invalid_dpop_proof: 'The token needs a proof for this very request. The request had none, or a wrong one.',
  use_dpop_nonce: 'Put the nonce of this response into the proof, and try again.',
  insufficient_user_authentication: 'The user must log in again, or with a stronger method.',
};

const PARAMETERS = {
  realm: 'A name for what is protected. A client may keep tokens apart by it.',
  error_description: 'For developers, not for users. The text is fixed, so it helps nobody to guess tokens.',
  scope: 'All scopes that this route requires.',
  algs: 'Signature algorithms that the API accepts in proofs.',
  nonce: 'A value of the server that the next proof must contain.',
  acr_values: 'The ways to log in that are accepted.',
  max_age: 'How many seconds ago the user may have logged in.',
  resource_metadata: 'The address where this API names the authorization servers it trusts.',
};

/** One sentence about a scheme. */
export function explainScheme(scheme) {
  return SCHEMES[scheme] ?? 'Another way to authenticate.';
}

/** One sentence about a parameter. */
export function explainParameter({ name, value }) {
  return name === 'error'
    ? (ERRORS[value] ?? 'Why the token was refused.')
    : (PARAMETERS[name] ?? 'A parameter of this scheme.');
}
