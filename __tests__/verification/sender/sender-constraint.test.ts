import type { SenderProof } from '../../../lib/core/lookup.js';
import { requireProof, requireSenderConstraint } from '../../../lib/verification/sender/sender-constraint.js';
import { activeRecord } from '../../support/records.js';

const JKT = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I';
const X5T = 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2';

const NOTHING = undefined;
const KEY: SenderProof = { jkt: JKT, x5t: undefined };
const CERTIFICATE: SenderProof = { jkt: undefined, x5t: () => X5T };
const NO_CERTIFICATE: SenderProof = { jkt: undefined, x5t: () => undefined };
const BOTH: SenderProof = { jkt: JKT, x5t: () => X5T };

const DPOP_BOUND = { cnf: { jkt: JKT } };
const CERTIFICATE_BOUND = { cnf: { 'x5t#S256': X5T } };
const TWICE_BOUND = { cnf: { jkt: JKT, 'x5t#S256': X5T } };

const REJECTED = expect.objectContaining({ status: 401, code: 'invalid_token', reason: 'sender_constrained' });

function check(claims: Record<string, unknown>, sender: SenderProof | undefined): void {
  requireSenderConstraint(activeRecord(claims), sender);
}

describe('requireSenderConstraint, for a bound token', () => {
  it.each<[string, Record<string, unknown>, SenderProof | undefined]>([
    ['to a key', DPOP_BOUND, KEY],
    ['to a key, beside a certificate that was requested', DPOP_BOUND, BOTH],
    ['to a key, and says so', { ...DPOP_BOUND, token_type: 'DPoP' }, KEY],
    ['to a key, and says so in its own case', { ...DPOP_BOUND, token_type: 'dpop' }, KEY],
    ['to a certificate', CERTIFICATE_BOUND, CERTIFICATE],
    ['to a certificate, of type Bearer', { ...CERTIFICATE_BOUND, token_type: 'Bearer' }, CERTIFICATE],
    ['to both', TWICE_BOUND, BOTH],
    ['to a key, and in a way that is not known', { cnf: { ...DPOP_BOUND.cnf, kid: 'x' } }, KEY],
    ['to a certificate, and in a way that is not known', { cnf: { ...CERTIFICATE_BOUND.cnf, jwk: null } }, CERTIFICATE],
    ['to both, and in a way that is not known', { cnf: { ...TWICE_BOUND.cnf, 'x5t#S512': 'x' } }, BOTH],
  ])('accepts a token bound %s, when that is proven', (_, claims, sender) => {
    expect(() => check(claims, sender)).not.toThrow();
  });

  it.each<[string, Record<string, unknown>, SenderProof | undefined]>([
    ['to a key, without proof', DPOP_BOUND, NOTHING],
    ['to a key, with a certificate', DPOP_BOUND, CERTIFICATE],
    ['to a key, with proof of another', DPOP_BOUND, { ...KEY, jkt: X5T }],
    ['to a key, with proof of one in another case', DPOP_BOUND, { ...KEY, jkt: JKT.toLowerCase() }],
    ['to a key, with proof of one with padding', DPOP_BOUND, { ...KEY, jkt: `${JKT}=` }],
    ['to a key, but of type Bearer', { ...DPOP_BOUND, token_type: 'Bearer' }, KEY],
    ['to a key, but of a type that only begins so', { ...DPOP_BOUND, token_type: 'DPoPs' }, KEY],
    ['to a certificate, without one', CERTIFICATE_BOUND, NO_CERTIFICATE],
    ['to a certificate, when none was requested', CERTIFICATE_BOUND, NOTHING],
    ['to a certificate, with another', CERTIFICATE_BOUND, { ...CERTIFICATE, x5t: () => JKT }],
    ['to a certificate, with proof of a key besides', CERTIFICATE_BOUND, BOTH],
    ['to a certificate, with proof of a key', CERTIFICATE_BOUND, KEY],
    ['to a key, and in a way that is not known, without proof', { cnf: { ...DPOP_BOUND.cnf, kid: 'x' } }, NOTHING],
    [
      'to a certificate, and in a way that is not known, with a key',
      { cnf: { ...CERTIFICATE_BOUND.cnf, kid: 'x' } },
      KEY,
    ],
    ['to both, with proof of the key', TWICE_BOUND, KEY],
    ['to both, with the certificate', TWICE_BOUND, CERTIFICATE],
    ['to both, with another certificate', TWICE_BOUND, { ...KEY, ...NO_CERTIFICATE }],
  ])('rejects a token bound %s', (_, claims, sender) => {
    expect(() => check(claims, sender)).toThrow(REJECTED);
  });

  it.each([
    { cnf: {} },
    { cnf: [] },
    { cnf: 'thumbprint' },
    { cnf: false },
    { cnf: 0 },
    { cnf: '' },
    { cnf: null },
    { cnf: { jkt: null } },
    { cnf: { jkt: [JKT] } },
    { cnf: { 'x5t#S256': null } },
    { cnf: { 'x5t#S256': 7 } },
    { cnf: { jwk: { kty: 'EC' } } },
    { cnf: { kid: 'x' } },
    { cnf: { kid: 'x', jwk: {}, 'x5t#S512': 'x' } },
    { cnf: { jkt: null, kid: 'x' } },
    { cnf: { JKT } },
    { cnf: { x5t: X5T } },
  ])('rejects a token with %j, whatever is proven', (claims) => {
    for (const sender of [NOTHING, KEY, CERTIFICATE, NO_CERTIFICATE, BOTH]) {
      expect(() => check(claims, sender)).toThrow(REJECTED);
    }
  });
});

describe('requireSenderConstraint, for a token that is not bound', () => {
  it.each([{}, { sub: 'alice' }, { token_type: 'Bearer' }, { token_type: 'notdpop' }])(
    'accepts %j without a proof, and rejects it with one',
    (claims) => {
      for (const sender of [NOTHING, CERTIFICATE, NO_CERTIFICATE]) expect(() => check(claims, sender)).not.toThrow();
      for (const sender of [KEY, BOTH]) expect(() => check(claims, sender)).toThrow(REJECTED);
    },
  );

  it.each(['DPoP', 'dpop', 'DPOP'])('rejects the token_type %s', (type) => {
    for (const cnf of [undefined, CERTIFICATE_BOUND.cnf]) {
      for (const sender of [NOTHING, KEY, CERTIFICATE, BOTH]) {
        expect(() => check({ cnf, token_type: type }, sender)).toThrow(REJECTED);
      }
    }
  });

  it('does not compute the thumbprint of the certificate', () => {
    const x5t = jest.fn(() => X5T);
    check({ sub: 'alice' }, { jkt: undefined, x5t });
    expect(x5t).not.toHaveBeenCalled();
  });
});

describe('requireProof', () => {
  it('requires the key of a DPoP proof when the policy requires DPoP', () => {
    const policy = { dpop: { isRequired: true } };
    for (const sender of [NOTHING, CERTIFICATE]) expect(() => requireProof(policy, sender)).toThrow(REJECTED);
    for (const sender of [KEY, BOTH]) expect(() => requireProof(policy, sender)).not.toThrow();
  });

  it.each([{}, { dpop: {} }, { dpop: { isRequired: false } }])('requires no proof with the policy %j', (policy) => {
    expect(() => requireProof(policy, NOTHING)).not.toThrow();
  });
});
