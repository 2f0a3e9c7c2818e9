import { requireLifetime } from '../../lib/verification/lifetime.js';
import { activeRecord } from '../support/records.js';

const NOW = 1_800_000_000;

describe('requireLifetime', () => {
  it.each([
    ['no times at all', {}, 0],
    ['exp one second ahead', { exp: NOW + 1 }, 0],
    ['exp a millisecond ahead', { exp: NOW + 0.001 }, 0],
    ['exp passed within the tolerance', { exp: NOW - 4.999 }, 5000],
    ['nbf now', { nbf: NOW }, 0],
    ['nbf ahead within the tolerance', { nbf: NOW + 5 }, 5000],
    ['nbf long ago and exp far ahead', { nbf: 0, exp: 1e300 }, 0],
    ['exp further ahead than can be counted in milliseconds', { exp: Number.MAX_VALUE }, 0],
  ])('accepts a token with %s', (_, claims, clockToleranceMs) => {
    expect(() => requireLifetime(activeRecord(claims), { clockToleranceMs }, NOW * 1000)).not.toThrow();
  });

  it.each([
    [{ exp: NOW + 60 }, 'expired'],
    [{ nbf: NOW - 60 }, 'not_yet_valid'],
  ])('rejects a token with %j when the clock returns NaN', (claims, reason) => {
    expect(() => requireLifetime(activeRecord(claims), { clockToleranceMs: 0 }, Number.NaN)).toThrow(
      expect.objectContaining({ status: 401, code: 'invalid_token', reason }),
    );
  });

  it.each([
    ['exp now', { exp: NOW }, 0, 'expired'],
    ['exp passed by just the tolerance', { exp: NOW - 5 }, 5000, 'expired'],
    ['exp of 1970, which is not never', { exp: 0 }, 5000, 'expired'],
    ['exp before 1970', { exp: -1 }, 5000, 'expired'],
    ['nbf a millisecond ahead', { nbf: NOW + 0.001 }, 0, 'not_yet_valid'],
    ['nbf ahead by more than the tolerance', { nbf: NOW + 5.001 }, 5000, 'not_yet_valid'],
    ['nbf ahead and exp passed', { nbf: NOW + 60, exp: NOW - 60 }, 5000, 'expired'],
    ['nbf further ahead than can be counted', { nbf: Number.MAX_VALUE }, 5000, 'not_yet_valid'],
    ['exp and a tolerance that is no number', { exp: NOW + 60 }, Number.NaN, 'expired'],
    ['nbf and a tolerance that is no number', { nbf: NOW - 60 }, Number.NaN, 'not_yet_valid'],
  ])('rejects a token with %s', (_, claims, clockToleranceMs, reason) => {
    expect(() => requireLifetime(activeRecord(claims), { clockToleranceMs }, NOW * 1000)).toThrow(
      expect.objectContaining({ status: 401, code: 'invalid_token', reason }),
    );
  });
});
