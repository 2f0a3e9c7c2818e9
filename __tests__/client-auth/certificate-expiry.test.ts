import { X509Certificate } from 'node:crypto';
import { expiryWarning } from '../../lib/client-auth/certificate-expiry.js';
import { tlsClientAuth } from '../../lib/index.js';
import { EXPIRED_CLIENT, SELF_SIGNED } from '../support/certificate.js';
import { createCertificate } from '../support/certificates.js';
import { recordWarnings } from '../support/warnings.js';

const EXPIRES = Date.parse('2021-01-31T12:00:00Z');
const A_DAY_MS = 86_400_000;

describe('expiryWarning', () => {
  it.each([
    [14 * A_DAY_MS, undefined],
    [14 * A_DAY_MS - 1, 'expires on 2021-01-31, in 13 days'],
    [1, 'expires on 2021-01-31, in 0 days'],
    [0, 'expired on 2021-01-31'],
    [-1000 * A_DAY_MS, 'expired on 2021-01-31'],
  ])('for a certificate with %d ms left returns %p', (left, told) => {
    for (const cert of [EXPIRED_CLIENT.cert, Buffer.from(EXPIRED_CLIENT.cert)]) {
      const warning = expiryWarning(cert, EXPIRES - left);
      if (told === undefined) expect(warning).toBeUndefined();
      else expect(warning).toContain(told);
    }
  });

  it('warns of a certificate that is valid for days when a quarter of its validity is left', async () => {
    const { cert } = await createCertificate('client', 'api');
    const hours = 3_600_000;
    const expires = Date.parse(new X509Certificate(cert).validTo);
    expect(expiryWarning(cert, expires - 13 * hours)).toBeUndefined();
    expect(expiryWarning(cert, expires - 11 * hours)).toContain('in 0 days');
  });

  it('reads the first certificate of a chain', () => {
    expect(expiryWarning(`${EXPIRED_CLIENT.cert}\n${SELF_SIGNED.cert}`, EXPIRES)).toContain('2021-01-31');
    expect(expiryWarning(`${SELF_SIGNED.cert}\n${EXPIRED_CLIENT.cert}`, Date.now())).toBeUndefined();
  });

  it.each([undefined, 7, '', 'no certificate', EXPIRED_CLIENT.key])(
    'returns nothing for a value that is no certificate: %p',
    (cert) => {
      expect(expiryWarning(cert, EXPIRES)).toBeUndefined();
    },
  );
});

describe('tlsClientAuth()', () => {
  it('warns once of an expired certificate', async () => {
    const warnings = recordWarnings();
    const { connect } = tlsClientAuth({ clientId: 'api', ...EXPIRED_CLIENT });
    expect(warnings).toEqual([
      { text: expect.stringContaining('expired on 2021-01-31'), code: 'CLIENT_CERTIFICATE_EXPIRES', detail: undefined },
    ]);
    await (connect as () => Promise<unknown>)();
    expect(warnings).toHaveLength(1);
  });

  it('warns of the certificate of a function when it is called', async () => {
    const warnings = recordWarnings();
    const { connect } = tlsClientAuth({
      clientId: 'api',
      cert: async () => EXPIRED_CLIENT.cert,
      key: EXPIRED_CLIENT.key,
    });
    expect(warnings).toEqual([]);
    await (connect as () => Promise<unknown>)();
    expect(warnings.map(({ code }) => code)).toEqual(['CLIENT_CERTIFICATE_EXPIRES']);
  });

  it('does not warn of a certificate that is valid for years', () => {
    const warnings = recordWarnings();
    tlsClientAuth({ clientId: 'api', ...SELF_SIGNED });
    expect(warnings).toEqual([]);
  });
});
