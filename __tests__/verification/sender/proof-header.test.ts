import { requireProofHeader } from '../../../lib/verification/sender/proof-header.js';

const TYP = 'dpop+jwt';

describe('the header of a DPoP proof', () => {
  it.each([
    { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' },
    { kty: 'RSA', n: 'n', e: 'AQAB' },
    { kty: 'RSA', n: 'n', e: 'AQABAQ' },
    undefined,
  ])('may have the public key %j', (jwk) => {
    expect(() => requireProofHeader({ typ: TYP, ...(jwk && { jwk }) })).not.toThrow();
  });

  it.each([undefined, '', 'jwt', 'DPOP+JWT', [TYP]])('must not have the type %j', (typ) => {
    expect(() => requireProofHeader({ typ, jwk: {} })).toThrow('typ');
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])('must not have the part "%s" of a secret key', (name) => {
    expect(() => requireProofHeader({ typ: TYP, jwk: { kty: 'RSA', [name]: '' } })).toThrow('private key');
  });

  it('must not have an exponent that makes verification slow', () => {
    expect(() => requireProofHeader({ typ: TYP, jwk: { kty: 'RSA', e: 'AQABAQA' } })).toThrow('exponent');
  });
});
