import { createHash, X509Certificate } from 'node:crypto';
import { type ClientCertificate, thumbprintOf } from '../../../lib/verification/sender/certificate.js';
import { SELF_SIGNED } from '../../support/certificate.js';

const DER = Buffer.from(SELF_SIGNED.cert.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
const THUMBPRINT = createHash('sha256')
  .update(DER)
  .digest('base64')
  .replace(/\+/g, '-')
  .replace(/\//g, '_')
  .slice(0, 43);

describe('thumbprintOf', () => {
  it.each<[string, ClientCertificate]>([
    ['PEM', SELF_SIGNED.cert],
    ['PEM as bytes', Buffer.from(SELF_SIGNED.cert)],
    ['DER', DER],
    ['DER in an array', new Uint8Array(DER)],
    ['an X509Certificate', new X509Certificate(DER)],
  ])('returns the same thumbprint for %s', (_, certificate) => {
    expect(thumbprintOf(certificate)).toBe(THUMBPRINT);
  });

  it('returns base64url without padding', () => {
    expect(thumbprintOf(SELF_SIGNED.cert)).toMatch(/^[\w-]{43}$/);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an empty text', ''],
    ['a text', 'certificate'],
    ['a key', SELF_SIGNED.key],
    ['bytes', Buffer.of(1, 2, 3)],
    ['an object', { raw: DER }],
    ['a promise', Promise.resolve(SELF_SIGNED.cert)],
    ['a certificate cut short', DER.subarray(0, -1)],
  ])('returns undefined for %s', (_, certificate) => {
    expect(thumbprintOf(certificate as ClientCertificate)).toBeUndefined();
  });
});
