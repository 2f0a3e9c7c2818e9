import { createSecureContext } from 'node:tls';
import type { ClientAuth } from '../core/client-auth.js';
import { optionError, secretError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { expiryWarning } from './certificate-expiry.js';
import { requireClientId, requireOptions } from './client-identifier.js';

/** A certificate or key in PEM format, as text or bytes. */
export type Pem = string | Buffer;

/** Options of `tlsClientAuth()`. */
export interface TlsClientAuthOptions {
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /**
   * Client certificate, or a chain that starts with the client certificate, or a function that returns either. The function is called for
   * each new connection.
   */
  readonly cert: Pem | undefined | (() => Pem | Promise<Pem>);
  /** Private key of the client certificate, or a function that returns this key. The function is called for each new connection. */
  readonly key: Pem | undefined | (() => Pem | Promise<Pem>);
  /** Certificate authorities to trust for the certificate of the endpoint. Default: the authorities that Node.js trusts. */
  readonly ca?: Pem | readonly Pem[] | undefined;
}

/**
 * Client authentication with mutual TLS ([RFC 8705 section 2](https://www.rfc-editor.org/rfc/rfc8705#section-2)). The certificate may be
 * signed by an authority (`tls_client_auth`) or self-signed (`self_signed_tls_client_auth`). A certificate that expires soon or has expired
 * causes a process warning.
 *
 * @throws TypeError when an option is missing, unknown or wrong, or the key does not belong to the certificate. If `cert` or `key` is a
 * function that fails or returns such a value, nothing is thrown here, and the client's request gets a 503
 */
export function tlsClientAuth(options: TlsClientAuthOptions): ClientAuth {
  requireOptions(options, ['clientId', 'cert', 'key', 'ca']);
  const { cert, key, ca, clientId: configuredId } = ownMembers(options);
  const clientId = requireClientId(configuredId);
  const authorities: Pem[] | undefined = ca === undefined ? undefined : [ca].flat();
  if (authorities?.every(isPem) === false) {
    throw optionError('ca', ca, 'write PEM, as a string or a Buffer, or a list of them');
  }
  const trust = authorities === undefined ? {} : { ca: authorities };
  if (typeof cert !== 'function' && typeof key !== 'function') requirePair(cert, key);
  const warn = createWarning('CLIENT_CERTIFICATE_EXPIRES');
  const checkExpiry = (certificate: unknown) => {
    const warning = expiryWarning(certificate, Date.now());
    if (warning !== undefined) warn(warning);
    return certificate;
  };
  if (typeof cert !== 'function') checkExpiry(cert);
  return {
    identity: `client:${clientId}`,
    clientId,
    methods: ['tls_client_auth', 'self_signed_tls_client_auth'],
    // Always a function, so that an inspection of this object shows no key.
    connect: async () => ({ cert: checkExpiry(await current(cert)), key: await current(key), ...trust }),
    sign({ parameters }) {
      parameters.client_id = clientId;
    },
  };
}

function current(source: Pem | undefined | (() => Pem | Promise<Pem>)): unknown {
  return typeof source === 'function' ? source() : source;
}

function requirePair(cert: Pem | undefined, key: Pem | undefined): void {
  if (!isPem(cert)) throw optionError('cert', cert, 'write PEM, as a string or a Buffer');
  if (!isPem(key)) throw secretError('key', key, 'write PEM, as a string or a Buffer');
  try {
    createSecureContext({ cert, key });
  } catch {
    throw optionError('cert', cert, 'write a certificate and the private key that belongs to it, both as PEM');
  }
}

function isPem(value: unknown): value is Pem {
  return typeof value === 'string' ? value !== '' : Buffer.isBuffer(value) && value.length > 0;
}
