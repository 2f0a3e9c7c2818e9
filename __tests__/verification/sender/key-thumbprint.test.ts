import { keyThumbprint } from '../../../lib/verification/sender/key-thumbprint.js';
import { createSender } from '../../support/dpop-sender.js';

describe('keyThumbprint (RFC 7638 section 3)', () => {
  it.each(['ES256', 'ES384', 'ES512', 'RS256', 'Ed25519'])(
    'returns the same thumbprint for an %s key as jose, whatever else the JWK holds',
    async (alg) => {
      const { jwk, jkt } = await createSender(alg);
      const reversed = Object.fromEntries(Object.entries(jwk).reverse());
      expect(keyThumbprint({ use: 'sig', kid: 'one', ...reversed } as typeof jwk)).toBe(jkt);
    },
  );

  it.each([
    {},
    { kty: 'oct', k: 'c2VjcmV0' },
    { kty: 'EC', crv: 'P-256', x: 'x' },
    { kty: 'OKP', crv: 'Ed25519', x: ['x'] },
    { kty: 'constructor' },
  ])('throws for %j', (jwk) => {
    expect(() => keyThumbprint(jwk as never)).toThrow('kind of key');
  });
});
