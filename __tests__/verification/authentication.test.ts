import { requireAuthenticationContext } from '../../lib/verification/authentication.js';
import { activeRecord } from '../support/records.js';

const NOW = 1_800_000_000;

const check = (claims: Record<string, unknown>, acrValues: readonly string[], maxAgeSeconds?: number) => () =>
  requireAuthenticationContext(activeRecord(claims), { acrValues, maxAgeSeconds }, NOW * 1000);

describe('requireAuthenticationContext', () => {
  it.each<[Record<string, unknown>, readonly string[], number | undefined]>([
    [{}, [], undefined],
    [{ acr: 'b' }, ['a', 'b'], undefined],
    [{ auth_time: NOW - 10 }, [], 10],
    [{ auth_time: NOW - 9.5 }, [], 10],
    [{ acr: 'a', auth_time: NOW }, ['a'], 0],
  ])('accepts %j when one of %j is required, at most %p seconds ago', (claims, acrValues, maxAgeSeconds) => {
    expect(check(claims, acrValues, maxAgeSeconds)).not.toThrow();
  });

  it.each<[Record<string, unknown>, readonly string[], number | undefined]>([
    [{}, ['a'], undefined],
    [{ acr: 'A' }, ['a'], undefined],
    [{ acr: ['a'] }, ['a'], undefined],
    [{ acr: 0 }, ['0'], undefined],
    [{}, [], 10],
    [{ auth_time: NOW - 10.001 }, [], 10],
    [{ auth_time: null }, [], 10],
    [{ auth_time: String(NOW) }, [], 10],
    [{ acr: 'a', auth_time: NOW - 11 }, ['a'], 10],
    [{ acr: 'b', auth_time: NOW }, ['a'], 10],
  ])('rejects %j when one of %j is required, at most %p seconds ago', (claims, acrValues, maxAgeSeconds) => {
    expect(check(claims, acrValues, maxAgeSeconds)).toThrow(
      expect.objectContaining({
        status: 401,
        code: 'insufficient_user_authentication',
        scopes: [],
        authentication: { acrValues, maxAgeSeconds },
      }),
    );
  });
});
