import { createSecureContext } from 'node:tls';
import type { ClientAuth } from '../core/client-auth.js';
import { optionError, secretError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { expiryWarning } from './certificate-expiry.js';
import { requireClientId, requireOptions } from './client-identifier.js';

/** PEM, as text or bytes. */
export type Pem = string | Buffer;

/** What `tlsClientAuth()` takes. */
export interface TlsClientAuthOptions {
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** The client's certificate, or a chain: its own first. As a function: called for each new connection. */
  readonly cert: Pem | undefined | (() => Pem | Promise<Pem>);
  /** The certificate's private key, given in the same way. */
  readonly key: Pem | undefined | (() => Pem | Promise<Pem>);
  /** Authorities the endpoint's own certificate may come from, instead of the system's. */
  readonly ca?: Pem | readonly Pem[] | undefined;
}

/**
 * Mutual TLS ([RFC 8705 section 2](https://www.rfc-editor.org/rfc/rfc8705#section-2)): the client is known by its certificate,
 * whether an authority signed it (`tls_client_auth`) or not (`self_signed_tls_client_auth`).
 *
 * @throws TypeError when an option is missing, unknown or wrong, or the key is not the certificate's; a function's failure
 * is a 503 instead
 */
export function tlsClientAuth(options: TlsClientAuthOptions): ClientAuth {
  requireOptions(options, ['clientId', 'cert', 'key', 'ca']);
  const { cert, key, ca, clientId: given } = ownMembers(options);
  const clientId = requireClientId(given);
  const authorities: Pem[] | undefined = ca === undefined ? undefined : [ca].flat();
  if (authorities?.every(isPem) === false) {
    throw optionError('ca', ca, 'write PEM, as a string or a Buffer, or a list of them');
  }
  const trust = authorities === undefined ? {} : { ca: authorities };
  if (typeof cert !== 'function' && typeof key !== 'function') requirePair(cert, key);
  const alarm = createWarning('CLIENT_CERTIFICATE_EXPIRES');
  const watchExpiry = (given: unknown) => {
    const warning = expiryWarning(given, Date.now());
    if (warning !== undefined) alarm(warning);
    return given;
  };
  if (typeof cert !== 'function') watchExpiry(cert);
  return {
    identity: `client:${clientId}`,
    clientId,
    methods: ['tls_client_auth', 'self_signed_tls_client_auth'],
    // A function in any case: what inspects this object finds no key in it.
    connect: async () => ({ cert: watchExpiry(await current(cert)), key: await current(key), ...trust }),
    sign({ parameters }) {
      parameters.client_id = clientId;
    },
  };
}

function current(given: Pem | undefined | (() => Pem | Promise<Pem>)): unknown {
  return typeof given === 'function' ? given() : given;
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
