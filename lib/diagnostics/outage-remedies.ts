import type { IntrospectionErrorCode } from '../core/errors.js';
import type { Remedies } from './remedy.js';

/** For each code of an `IntrospectionError`. */
export const OUTAGE_REMEDIES: Remedies<IntrospectionErrorCode> = {
  timeout: [
    [[], 'No answer within "timeoutMs". Is the host right, and may this machine reach it (firewall, proxy, DNS)?'],
  ],
  unreachable: [
    [
      ['HTTP 401'],
      'The reply is a page or a text, not an OAuth error. A firewall, a proxy or another service may have answered before the endpoint: are host and port right? If it was the endpoint itself, identifier and secret are wrong.',
    ],
    [
      ['HTTP 400'],
      'The reply is a page or a text, not an OAuth error. A proxy or another service answered before the endpoint. Are scheme (https:), host and port right?',
    ],
    [
      ['HTTP 403'],
      'The reply is a page or a text, not an OAuth error. A firewall, a proxy or another service answered before the endpoint. Are host and port right, and is this machine allowed through?',
    ],
    [['ECONNREFUSED'], 'Nothing listens there. Is the authorization server running, and are host and port right?'],
    [['ENOTFOUND', 'EAI_AGAIN'], 'The host name is not known here. Is it spelled right?'],
    [
      ['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'],
      'No connection to the host. Are host and port right, and may this machine reach them (firewall, proxy, VPN)?',
    ],
    [
      ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'],
      'The server’s certificate is not valid today. Have it renewed, and check the clock of this machine.',
    ],
    [
      ['ERR_TLS_CERT_ALTNAME_INVALID'],
      'The server’s certificate is for another host name. Write the host name that the certificate names.',
    ],
    [
      ['CERT_', 'UNABLE_TO_', 'SELF_SIGNED_', 'DEPTH_ZERO_', 'ERR_TLS_CERT_'],
      'The server’s certificate is not trusted. Is the host right? For an authority of your own, set NODE_EXTRA_CA_CERTS, or give "dispatcher" (or tlsClientAuth) its "ca".',
    ],
    [
      ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'],
      'The port does not speak TLS. Is it an https: port, or should the URL begin with http:?',
    ],
    [
      ['ERR_SSL_'],
      'The TLS connection failed. Does the server want a client certificate, or is the one you give expired or not trusted?',
    ],
    [
      ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'],
      'The connection was closed before the reply. Does the port want https: instead of http:? Does the server want a client certificate, or has yours expired?',
    ],
    [[], 'The connection failed. Are scheme, host and port right, and is the server running?'],
  ],
  server_error: [[[], 'The authorization server failed. Its own log says why.']],
  rate_limited: [[[], 'The authorization server asks to slow down. Wait, and see whether its limits fit.']],
  bad_response: [
    [['HTTP 3', 'redirect'], 'The endpoint points elsewhere, and redirects are not followed. Write the final URL.'],
    [
      ['HTTP 404', 'HTTP 405'],
      'There is no introspection endpoint at this path. Its URL is "introspection_endpoint" in the server’s metadata, most often at /.well-known/openid-configuration.',
    ],
    [['HTTP'], 'An introspection endpoint does not answer like this. Is it the right URL?'],
    [['media type', 'not JSON'], 'The reply is not JSON: a page, perhaps. Is it the right URL?'],
    [
      ['unasked', 'folded header line', 'malformed HTTP'],
      'The reply breaks the rules of HTTP. Are scheme (https:) and port of the URL right? Else update the server, or the proxy before it.',
    ],
    [['content coding'], 'The reply is compressed, although none was asked for. A proxy must not compress it.'],
    [
      ['signed reply: not signed'],
      'The reply is not signed. Is this client registered for signed replies (introspection_signed_response_alg)?',
    ],
    [['signed reply: aud'], 'The signed reply is for another audience: see "jwtResponse.audience".'],
    [['signed reply: iss'], 'The signed reply is from another issuer: see "jwtResponse.issuer".'],
    [['signed reply: iat'], 'The signed reply is not from now. Are both clocks right?'],
    [['signed reply: ERR_JOSE_ALG'], 'The reply is signed with another algorithm: see "jwtResponse.algorithms".'],
    [
      ['signed reply'],
      'The signed reply cannot be verified: see "jwtResponse.keys", and "decryptionKey" where it is encrypted.',
    ],
    [
      [],
      'The reply is no introspection response (RFC 7662 section 2.2). A provider that deviates needs its preset, or "normalizeResponse".',
    ],
  ],
  client_rejected: [
    [
      ['HTTP 401'],
      'The credentials are not accepted. Are identifier and secret (or key, or certificate) right, and is this the method the client is registered for?',
    ],
    [
      ['HTTP 403'],
      'Either this client may not introspect tokens, or its secret is wrong: some servers answer 403 to both. Give it that right, and compare identifier and secret.',
    ],
    [
      [],
      'The endpoint refuses the request. Are the method of client authentication, "parameters" and "requestFormat" as it wants them?',
    ],
  ],
  credentials_unavailable: [
    [
      ['the endpoint does not take'],
      'The metadata do not list an algorithm that this key signs with. Use another key, or register the algorithm.',
    ],
    [[], 'A function that provides a secret, key or certificate failed.'],
  ],
  discovery_failed: [
    [
      ['another issuer'],
      'Write "authorizationServer" exactly as the metadata write "issuer", a slash at the end included.',
    ],
    [['no introspection_endpoint'], 'The metadata name no introspection endpoint. Give "endpoint" instead.'],
    [['introspection_endpoint'], 'The metadata name an endpoint that is no https: URL. Give "endpoint" instead.'],
    [['jwks_uri: HTTP 429'], 'The authorization server asks to slow down before it gives its public keys. Wait.'],
    [['no jwks_uri', 'jwks_uri'], 'The public keys cannot be fetched. Give "jwtResponse.keys" instead.'],
    [
      ['HTTP 3', 'redirect'],
      'The metadata are elsewhere, and redirects are not followed. Write the issuer as the metadata there write "issuer".',
    ],
    [
      ['HTTP 401', 'HTTP 403'],
      'The metadata are refused. Is the issuer spelled right, and does a firewall let this machine through, or expect something in "headers"?',
    ],
    [['HTTP 429'], 'The authorization server asks to slow down before it gives its metadata. Wait.'],
    [['HTTP 5'], 'The authorization server, or a proxy before it, failed to give its metadata. Its own log says why.'],
    [['HTTP'], 'There are no metadata at this issuer. Is it spelled right? Else give "endpoint" instead.'],
    [['media type', 'not JSON'], 'The metadata are not JSON: a page, perhaps. Is the issuer spelled right?'],
    [['not metadata'], 'The JSON at this issuer is not metadata of an authorization server. Is it spelled right?'],
    [
      ['content coding'],
      'The metadata are compressed, although that was not asked for. A proxy must not compress them.',
    ],
    [
      ['ECONNREFUSED'],
      'Nothing listens there. Is the issuer spelled right, host and port included, and is the server running?',
    ],
    [['ENOTFOUND', 'EAI_AGAIN'], 'The host name of the issuer is not known here. Is it spelled right?'],
    [
      ['CERT_', 'UNABLE_TO_', 'SELF_SIGNED_', 'DEPTH_ZERO_', 'ERR_TLS_CERT_'],
      'The server’s certificate is not trusted. Is the host right? For an authority of your own, set NODE_EXTRA_CA_CERTS, or give "dispatcher" (or tlsClientAuth) its "ca".',
    ],
    [
      ['ERR_SSL_', 'EPROTO', 'UND_ERR_SOCKET', 'ECONNRESET'],
      'The connection failed. Should the issuer begin with https: or with http:, and is the port right?',
    ],
    [[], 'The metadata cannot be fetched. Is the issuer spelled right, and is the server running?'],
  ],
  circuit_open: [[[], 'The endpoint failed just now, or asked for a pause. What failed first says why.']],
  overloaded: [
    [
      [],
      'More unknown tokens came in than the endpoint answers. Limit clients that keep presenting bad tokens, or give the authorization server more capacity.',
    ],
  ],
  replay_store_failed: [[[], 'The store that remembers DPoP proofs does not answer. Is it running?']],
  claims_schema_failed: [[[], 'The "claims" schema failed: it must be synchronous and make plain data.']],
  closed: [[[], 'The middleware has been closed.']],
};
