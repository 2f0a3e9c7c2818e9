import type { IntrospectionErrorCode } from '../errors.js';

/** By code, then by how `detail` begins; the first that fits. */
const REMEDIES: Readonly<Record<IntrospectionErrorCode, readonly (readonly [detail: RegExp, remedy: string])[]>> = {
  timeout: [
    [/^/, 'No answer within "timeoutMs". Is the host right, and may this machine reach it (firewall, proxy, DNS)?'],
  ],
  unreachable: [
    [/^ECONNREFUSED/, 'Nothing listens there. Is the authorization server running, and are host and port right?'],
    [/^(?:ENOTFOUND|EAI_AGAIN)/, 'The host name is not known here. Is it spelled right?'],
    [
      /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_)/,
      'The server’s certificate is not trusted. Is the host right? For an authority of your own, set NODE_EXTRA_CA_CERTS, or give "dispatcher" (or tlsClientAuth) its "ca".',
    ],
    [
      /^(?:ERR_SSL_|EPROTO)/,
      'No TLS connection came about. Is it an https: port, and does the server want a certificate?',
    ],
    [/^/, 'The connection failed. Are host and port right, and is the server running?'],
  ],
  server_error: [[/^/, 'The authorization server failed. Its own log says why.']],
  rate_limited: [[/^/, 'The authorization server asks to slow down. Wait, and see whether its limits fit.']],
  bad_response: [
    [/^(?:HTTP 3|redirect)/, 'The endpoint points elsewhere, and redirects are not followed. Write the final URL.'],
    [/^HTTP 40[45]/, 'There is no introspection endpoint at this path. The metadata of the server name it.'],
    [/^HTTP/, 'An introspection endpoint does not answer like this. Is it the right URL?'],
    [/^(?:media type|not JSON)/, 'The reply is not JSON: a page, perhaps. Is it the right URL?'],
    [
      /^(?:unasked|folded header line|malformed HTTP)/,
      'The reply breaks the rules of HTTP. Are scheme and port of the URL right? Else update the server, or the proxy before it.',
    ],
    [
      /^signed reply: not signed/,
      'The reply is not signed. Is this client registered for signed replies (introspection_signed_response_alg)?',
    ],
    [/^signed reply: aud/, 'The signed reply is for another audience: see "jwtResponse.audience".'],
    [/^signed reply: iss/, 'The signed reply is from another issuer: see "jwtResponse.issuer".'],
    [/^signed reply: iat/, 'The signed reply is not from now. Are both clocks right?'],
    [/^signed reply: ERR_JOSE_ALG/, 'The reply is signed with another algorithm: see "jwtResponse.algorithms".'],
    [
      /^signed reply/,
      'The signed reply cannot be verified: see "jwtResponse.keys", and "decryptionKey" where it is encrypted.',
    ],
    [
      /^/,
      'The reply is no introspection response (RFC 7662 section 2.2). A provider that deviates needs its preset, or "normalizeResponse".',
    ],
  ],
  client_rejected: [
    [
      /^HTTP 401/,
      'The credentials are not accepted. Are identifier and secret (or key) right, and is this the method the client is registered for?',
    ],
    [/^HTTP 403/, 'This client may not ask. Give it the right to introspect tokens.'],
    [
      /^/,
      'The endpoint refuses the question. Are the method of client authentication, "parameters" and "requestFormat" as it wants them?',
    ],
  ],
  credentials_unavailable: [
    [
      /^the endpoint does not take/,
      'The metadata do not list an algorithm that this key signs with. Use another key, or register the algorithm.',
    ],
    [/^/, 'A function that provides a secret, key or certificate failed.'],
  ],
  discovery_failed: [
    [
      /^another issuer/,
      'Write "authorizationServer" exactly as the metadata write "issuer", a slash at the end included.',
    ],
    [/^no introspection_endpoint/, 'The metadata name no introspection endpoint. Give "endpoint" instead.'],
    [/^introspection_endpoint/, 'The metadata name an endpoint that is no https: URL. Give "endpoint" instead.'],
    [/^jwks_uri: HTTP 429/, 'The authorization server asks to slow down before it gives its public keys. Wait.'],
    [/jwks_uri/, 'The public keys cannot be fetched. Give "jwtResponse.keys" instead.'],
    [/^HTTP 429/, 'The authorization server asks to slow down before it gives its metadata. Wait.'],
    [/^HTTP 5/, 'The authorization server failed to give its metadata. Its own log says why.'],
    [
      /^HTTP 40[13]/,
      'The metadata are refused. Is the issuer spelled right, and does a firewall expect something in "headers"?',
    ],
    [/^HTTP/, 'There are no metadata at this issuer. Is it spelled right? Else give "endpoint" instead.'],
    [/^/, 'The metadata cannot be fetched. Is the issuer spelled right, and is the server running?'],
  ],
  circuit_open: [[/^/, 'The endpoint failed just now, or asked for a pause. What failed first says why.']],
  overloaded: [
    [
      /^/,
      'More unknown tokens came in than the endpoint answers. Limit clients that keep presenting bad tokens, or give the authorization server more capacity.',
    ],
  ],
  replay_store_failed: [[/^/, 'The store that remembers DPoP proofs does not answer. Is it running?']],
  claims_schema_failed: [[/^/, 'The "claims" schema failed: it must be synchronous and make plain data.']],
  closed: [[/^/, 'The middleware has been closed.']],
};

/** What is probably wrong, and what to do about it. Fixed texts: nothing of a request, a reply or a secret is in them. */
export function remedyFor(code: IntrospectionErrorCode, detail = ''): string {
  return REMEDIES[code].find(([beginning]) => beginning.test(detail))?.[1] ?? '';
}
