import { refuseBoundToken } from '../../lib/verification/binding.js';
import { activeRecord } from '../support/records.js';

describe('a sender-constrained token', () => {
  it.each([
    { cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } },
    { cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } },
    { cnf: {} },
    { cnf: 'thumbprint' },
    { cnf: false },
    { token_type: 'DPoP' },
    { token_type: 'dpop' },
  ])('is refused with %j, as nobody checks the binding', (claims) => {
    expect(() => refuseBoundToken(activeRecord(claims))).toThrow(
      expect.objectContaining({ status: 401, code: 'invalid_token', reason: 'sender_constrained' }),
    );
  });

  it('is not what a token without cnf is', () => {
    for (const claims of [{ sub: 'alice' }, { token_type: 'Bearer' }, { token_type: 'notdpop' }]) {
      expect(() => refuseBoundToken(activeRecord(claims))).not.toThrow();
    }
  });
});
