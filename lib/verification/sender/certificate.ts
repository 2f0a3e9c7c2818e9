import { hash, X509Certificate } from 'node:crypto';

/** A client certificate: PEM, DER, or an `X509Certificate`. */
export type ClientCertificate = string | Uint8Array | X509Certificate;

/**
 * Returns the thumbprint of a certificate: the SHA-256 of its DER form, in base64url (RFC 8705 section 3.1). Returns `undefined` if the
 * certificate is missing or invalid.
 */
export function thumbprintOf(certificate: ClientCertificate | undefined): string | undefined {
  if (certificate === undefined) return undefined;
  try {
    const { raw } = certificate instanceof X509Certificate ? certificate : new X509Certificate(certificate);
    return hash('sha256', raw, 'base64url');
  } catch {
    return undefined;
  }
}
