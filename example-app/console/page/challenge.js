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
  Bearer: 'Come with a token that whoever holds it may use.',
  DPoP: 'Or come with a token bound to a key, and a proof made with that key.',
};

const ERRORS = {
  invalid_request: 'The request itself is malformed, such as two tokens at once. Another token does not mend it.',
  invalid_token: 'The token is no good here: get another one. Why it is not, the client is not told.',
  insufficient_scope: 'The token is good, and allows too little. Get one with the scope that is named.',
  invalid_dpop_proof: 'The token needs a proof of its key for this very request, and no good one came along.',
  use_dpop_nonce: 'Put the nonce of this reply into the proof, and come again.',
  insufficient_user_authentication: 'The user has to log in more strongly, or again.',
};

const PARAMETERS = {
  realm: 'What is being protected. A client may keep tokens apart by it; nothing else follows.',
  error_description: 'For developers, not for users. The text is fixed, so that it helps nobody to guess at tokens.',
  scope: 'All that the token must grant for this route.',
  algs: 'What proofs may be signed with.',
  nonce: 'A value of the server’s, to be part of the next proof.',
  acr_values: 'The ways to log in that would do.',
  max_age: 'How long ago the user may have logged in, in seconds.',
  resource_metadata: 'Where this API says which authorization servers it trusts.',
};

/** One sentence about a scheme. */
export function explainScheme(scheme) {
  return SCHEMES[scheme] ?? 'Another way to authenticate.';
}

/** One sentence about a parameter. */
export function explainParameter({ name, value }) {
  return name === 'error' ? (ERRORS[value] ?? 'What is wrong.') : (PARAMETERS[name] ?? 'A parameter of this scheme.');
}
