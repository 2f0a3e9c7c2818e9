import { requireAccessToken } from '../../lib/verification/token-kind.js';
import { activeRecord } from '../support/records.js';

describe('requireAccessToken', () => {
  it.each([
    {},
    { token_type: 'Bearer' },
    { token_type: 'access_token' },
    { token_type: 'DPoP' },
    { token_use: 'access' },
    { token_type: 'norefresh' },
    { token_type: 'refresher' },
    { token_use: ['access', 7] },
    { token_use: 7 },
    { token_type: 'urn:ietf:params:oauth:token-type:access_token' },
    { token_type: '' },
  ])('accepts a token with %j', (claims) => {
    expect(() => requireAccessToken(activeRecord(claims), { allowRefreshTokens: false })).not.toThrow();
  });

  const REFRESH = [
    { token_type: 'refresh_token' },
    { token_type: 'refresh' },
    { token_type: 'refresh-token' },
    { token_type: 'RefreshToken' },
    { token_type: 'REFRESH_TOKEN' },
    { token_use: 'refresh_token' },
    { token_type: 'Bearer', token_use: 'refresh' },
    { token_use: ['access', 'refresh'] },
    { token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
  ];

  it.each(REFRESH)('rejects a refresh token with %j', (claims) => {
    expect(() => requireAccessToken(activeRecord(claims), { allowRefreshTokens: false })).toThrow(
      expect.objectContaining({ status: 401, code: 'invalid_token', reason: 'refresh_token' }),
    );
  });

  it.each(REFRESH)('accepts a refresh token with %j when refresh tokens are allowed', (claims) => {
    expect(() => requireAccessToken(activeRecord(claims), { allowRefreshTokens: true })).not.toThrow();
  });
});
