import { requireIssuer } from '../../lib/verification/issuer.js';
import { activeRecord } from '../support/records.js';

const ISSUER = 'https://as.example.com';

describe('requireIssuer', () => {
  it.each([
    ['the expected one', { iss: ISSUER }, ISSUER],
    ['anything where none is expected', { iss: 'x' }, undefined],
    ['absent where none is expected', {}, undefined],
  ])('accepts an issuer that is %s', (_, claims, issuer) => {
    expect(() => requireIssuer(activeRecord(claims), { issuer })).not.toThrow();
  });

  it.each([
    ['absent', {}],
    ['empty', { iss: '' }],
    ['another', { iss: 'https://evil.example.com' }],
    ['the expected one with a slash behind', { iss: `${ISSUER}/` }],
    ['the expected one in capitals', { iss: ISSUER.toUpperCase() }],
    ['the same URL spelt otherwise', { iss: `${ISSUER}:443` }],
  ])('rejects an issuer that is %s', (_, claims) => {
    expect(() => requireIssuer(activeRecord(claims), { issuer: ISSUER })).toThrow(
      expect.objectContaining({ status: 401, code: 'invalid_token', reason: 'issuer_mismatch' }),
    );
  });
});
