import type { IntrospectionErrorCode } from '../core/errors.js';
import { CREDENTIAL_REMEDIES } from './credential-remedies.js';
import type { Remedies } from './remedy.js';

/** Remedies for each code of an `IntrospectionError`. */
export const OUTAGE_REMEDIES: Remedies<IntrospectionErrorCode> = {
  timeout: [
    [
      [],
      'No response arrived within "timeoutMs". Check that the host is right and that this machine can reach it (firewall, proxy, DNS).',
    ],
  ],
  unreachable: [
    [
      ['HTTP 401'],
      'The response is a page or a text, not an OAuth error. A firewall, a proxy or another service probably sent it instead of the endpoint: check host and port. If the endpoint itself sent it, the client identifier or the secret is wrong.',
    ],
    [
      ['HTTP 400'],
      'The response is a page or a text, not an OAuth error. A proxy or another service sent it instead of the endpoint. Check scheme (https:), host and port.',
    ],
    [
      ['HTTP 403'],
      'The response is a page or a text, not an OAuth error. A firewall, a proxy or another service sent it instead of the endpoint. Check host and port, and that no firewall blocks this machine.',
    ],
    [
      ['ECONNREFUSED'],
      'Nothing listens at this host and port. Check host and port, and that the authorization server is running.',
    ],
    [['ENOTFOUND', 'EAI_AGAIN'], 'The host name cannot be resolved. Check the name, and check DNS on this machine.'],
    [
      ['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'],
      'This machine cannot connect to the host. Check host and port, and whether the network blocks the connection (firewall, proxy, VPN).',
    ],
    [
      ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'],
      'The server’s certificate has expired or is not valid yet. Renew the certificate, and check the clock of this machine.',
    ],
    [
      ['ERR_TLS_CERT_ALTNAME_INVALID'],
      'The server’s certificate is for another host name. In the URL, use a host name that is in the certificate.',
    ],
    [
      ['CERT_', 'UNABLE_TO_', 'SELF_SIGNED_', 'DEPTH_ZERO_', 'ERR_TLS_CERT_'],
      'The server’s certificate is not trusted. Check the host. If your own certificate authority issued the certificate, set NODE_EXTRA_CA_CERTS, or set "ca" in your "dispatcher" or in tlsClientAuth.',
    ],
    [
      ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'],
      'The port does not speak TLS. Check that the URL has the port for https:. If the server does not use TLS, the URL must begin with http:.',
    ],
    [
      ['ERR_SSL_'],
      'The TLS connection failed. Check whether the server requires a client certificate. If you send one, check that it has not expired and that the server trusts it.',
    ],
    [
      ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'],
      'The connection was closed before the response. Check whether the port requires https: instead of http:. Check whether the server requires a client certificate, or whether your client certificate has expired.',
    ],
    [[], 'The connection failed. Check scheme, host and port, and that the server is running.'],
  ],
  server_error: [[[], 'The authorization server failed. Look in its log for the cause.']],
  rate_limited: [
    [
      [],
      'The authorization server asks for fewer requests. Wait, and check that its rate limit is high enough for this API.',
    ],
  ],
  bad_response: [
    [
      ['HTTP 3', 'redirect'],
      'The endpoint redirects to another URL, and redirects are not followed. Use the final URL.',
    ],
    [
      ['HTTP 404', 'HTTP 405'],
      'There is no introspection endpoint at this path. Its URL is "introspection_endpoint" in the server’s metadata, usually at /.well-known/openid-configuration.',
    ],
    [['HTTP'], 'An introspection endpoint does not respond with this status. Check the URL.'],
    [['media type', 'not JSON'], 'The response is not JSON. It may be a web page: check the URL.'],
    [
      ['unasked', 'folded header line', 'malformed HTTP'],
      'The response is not valid HTTP. Check scheme (https:) and port of the URL. If they are right, update the server, or the proxy in front of it.',
    ],
    [
      ['content coding'],
      'The response is compressed, although compression was not requested. Turn compression off in the server, or in the proxy in front of it.',
    ],
    [
      ['signed reply: not signed'],
      'The response is not signed. Check that this client is registered for signed responses (introspection_signed_response_alg).',
    ],
    [['signed reply: aud'], 'The signed response is for another audience. Check "jwtResponse.audience".'],
    [['signed reply: iss'], 'The signed response is from another issuer. Check "jwtResponse.issuer".'],
    [
      ['signed reply: iat'],
      'The time in the signed response (iat) is not the current time. Check the clocks of this machine and of the server.',
    ],
    [['signed reply: ERR_JOSE_ALG'], 'The response is signed with another algorithm. Check "jwtResponse.algorithms".'],
    [
      ['signed reply'],
      'The signed response cannot be verified. Check "jwtResponse.keys", and "decryptionKey" if the response is encrypted.',
    ],
    [
      [],
      'The response is not an introspection response (RFC 7662 section 2.2). For a provider that deviates from the RFC, use its preset or "normalizeResponse".',
    ],
  ],
  client_rejected: [
    [
      ['HTTP 401'],
      'The endpoint does not accept the credentials of this API. Check the client identifier, the secret (or key, or certificate), and that the client is registered for this authentication method.',
    ],
    [
      ['HTTP 403'],
      'Either this client is not allowed to introspect tokens, or its secret is wrong: some servers respond with 403 in both cases. Allow the client to introspect tokens, and check the client identifier and the secret.',
    ],
    [
      [],
      'The endpoint rejects the request. Check that the method of client authentication, "parameters" and "requestFormat" are what the endpoint requires.',
    ],
  ],
  credentials_unavailable: CREDENTIAL_REMEDIES,
  discovery_failed: [
    [
      ['another issuer'],
      'Write "authorizationServer" exactly as "issuer" in the metadata, including a slash at the end.',
    ],
    [
      ['no introspection_endpoint'],
      'The metadata contain no introspection endpoint. Set "endpoint" instead of "authorizationServer".',
    ],
    [
      ['introspection_endpoint'],
      'The introspection endpoint in the metadata is not an https: URL. Set "endpoint" instead of "authorizationServer".',
    ],
    [['jwks_uri: HTTP 429'], 'The authorization server asks for fewer requests for its public keys. Wait.'],
    [['no jwks_uri', 'jwks_uri'], 'The public keys cannot be fetched. Set "jwtResponse.keys" instead.'],
    [
      ['HTTP 3', 'redirect'],
      'The metadata URL redirects to another URL, and redirects are not followed. Set "authorizationServer" to the "issuer" in the metadata at that URL.',
    ],
    [
      ['HTTP 401', 'HTTP 403'],
      'Access to the metadata is denied. Check the issuer, and that a firewall lets this machine through. If the server requires a header, set "headers".',
    ],
    [['HTTP 429'], 'The authorization server asks for fewer requests for its metadata. Wait.'],
    [
      ['HTTP 5'],
      'The authorization server, or a proxy in front of it, failed to send the metadata. Look in the logs of both for the cause.',
    ],
    [
      ['HTTP'],
      'There are no metadata at this issuer. Check the issuer. If it is right, set "endpoint" instead of "authorizationServer".',
    ],
    [['media type', 'not JSON'], 'The metadata are not JSON. They may be a web page: check the issuer.'],
    [['not metadata'], 'The JSON at this issuer is not metadata of an authorization server. Check the issuer.'],
    [
      ['content coding'],
      'The metadata are compressed, although compression was not requested. Turn compression off in the server, or in the proxy in front of it.',
    ],
    [
      ['ECONNREFUSED'],
      'Nothing listens at this host and port. Check the issuer, including its port, and that the server is running.',
    ],
    [
      ['ENOTFOUND', 'EAI_AGAIN'],
      'The host name of the issuer cannot be resolved. Check the issuer, and check DNS on this machine.',
    ],
    [
      ['CERT_', 'UNABLE_TO_', 'SELF_SIGNED_', 'DEPTH_ZERO_', 'ERR_TLS_CERT_'],
      'The server’s certificate is not trusted. Check the host. If your own certificate authority issued the certificate, set NODE_EXTRA_CA_CERTS, or set "ca" in your "dispatcher" or in tlsClientAuth.',
    ],
    [
      ['ERR_SSL_', 'EPROTO', 'UND_ERR_SOCKET', 'ECONNRESET'],
      'The connection failed. Check the port, and whether the issuer should begin with https: or with http:.',
    ],
    [[], 'The metadata cannot be fetched. Check the issuer, and that the server is running.'],
  ],
  circuit_open: [
    [
      [],
      'No request was sent, because the endpoint failed shortly before, or asked for a pause. The errors before this one name the cause.',
    ],
  ],
  overloaded: [
    [
      [],
      'More tokens without a cached response arrive than the endpoint can check. Limit clients that keep sending bad tokens, or give the authorization server more capacity.',
    ],
  ],
  replay_store_failed: [
    [[], 'The store of used DPoP proofs does not respond, or is full. Check that the store is running.'],
  ],
  claims_schema_failed: [[[], 'The "claims" schema failed. It must be synchronous and return plain data.']],
  precheck_failed: [
    [
      ['timeout'],
      'The "precheck" did not end within half of "timeoutMs". Its promise must settle when the signal aborts.',
    ],
    [[], 'The "precheck" threw an error that is not an AuthError. Throw an AuthError to reject a token.'],
  ],
  closed: [[[], 'The middleware has been closed.']],
};
