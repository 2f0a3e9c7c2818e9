import { z } from 'zod';
import { requireActive, type VerificationPolicy, verify } from '../../lib/verification/verify.js';
import { activeRecord, inactiveRecord } from '../support/records.js';

const NOW = 1_800_000_000;

const POLICY: VerificationPolicy = {
  allowRefreshTokens: false,
  clockToleranceMs: 5000,
  issuer: undefined,
  audience: false,
  claims: undefined,
  scopes: [],
  satisfiesScope: undefined,
};

const STRICT: VerificationPolicy = {
  ...POLICY,
  issuer: 'https://as.example.com',
  audience: ['https://api.example.com'],
  claims: z.object({ tenant: z.string() }),
  scopes: ['read'],
};

const GOOD = {
  exp: NOW + 60,
  iss: 'https://as.example.com',
  aud: 'https://api.example.com',
  tenant: 'acme',
  scope: 'read',
};

describe('verify and requireActive', () => {
  it('reject a token as inactive unless active is exactly true', () => {
    const inactive = expect.objectContaining({ status: 401, code: 'invalid_token', reason: 'inactive' });
    expect(() => requireActive(inactiveRecord())).toThrow(inactive);
    expect(() => requireActive({ ...activeRecord(), active: 'true' as unknown as true })).toThrow(inactive);
    expect(() => requireActive(activeRecord())).not.toThrow();
  });

  it('reject a token with another reason if the endpoint does not support its type', () => {
    expect(() => requireActive({ ...inactiveRecord(), unsupported: true })).toThrow(
      expect.objectContaining({ status: 401, code: 'invalid_token', reason: 'unsupported_token_type' }),
    );
  });

  it('reject a token that is not bound, if DPoP is required or the request has a proof', () => {
    const constrained = expect.objectContaining({ status: 401, reason: 'sender_constrained' });
    const record = activeRecord(GOOD);
    const proof = { jkt: 'key', x5t: undefined };
    expect(() => verify(record, { ...POLICY, dpop: { isRequired: true } }, NOW * 1000, undefined)).toThrow(constrained);
    expect(() => verify(record, { ...POLICY, dpop: {} }, NOW * 1000, proof)).toThrow(constrained);
    expect(verify(record, { ...POLICY, dpop: {} }, NOW * 1000, undefined)).toBe(record.claims);
  });

  it('return the claims of a token that meets the policy', () => {
    const record = activeRecord(GOOD);
    expect(verify(record, STRICT, NOW * 1000, undefined)).toEqual({ ...GOOD, active: true });
    expect(verify(record, POLICY, NOW * 1000, undefined)).toBe(record.claims);
  });

  it.each([
    [
      'kind',
      { token_type: 'refresh_token', exp: 1, iss: 'x', aud: 'x', tenant: 1, cnf: {}, scope: '' },
      'refresh_token',
    ],
    ['lifetime', { exp: 1, iss: 'x', aud: 'x', tenant: 1, cnf: {}, scope: '' }, 'expired'],
    ['issuer', { iss: 'x', aud: 'x', tenant: 1, cnf: {}, scope: '' }, 'issuer_mismatch'],
    ['audience', { aud: 'x', tenant: 1, cnf: {}, scope: '' }, 'audience_mismatch'],
    ['claims schema', { tenant: 1, cnf: {}, scope: '' }, 'claims_rejected'],
    ['sender constraint', { cnf: {}, scope: '' }, 'sender_constrained'],
    ['scope', { scope: '' }, 'insufficient_scope'],
  ])('reject a token for its %s before any later check', (_, wrong, reason) => {
    expect(() => verify(activeRecord({ ...GOOD, ...wrong }), STRICT, NOW * 1000, undefined)).toThrow(
      expect.objectContaining({ name: 'AuthError', reason }),
    );
  });
});
