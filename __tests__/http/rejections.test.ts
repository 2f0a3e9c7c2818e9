import type { AuthErrorReason, IntrospectionErrorCode, TokenIntrospectionOptions } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { BARE, INVALID_REQUEST, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint } from '../support/endpoint.js';

type Row = [
  reason: AuthErrorReason | IntrospectionErrorCode,
  status: number,
  challenge: string,
  options: Partial<TokenIntrospectionOptions>,
  claims: Record<string, unknown>,
  token: string | undefined,
];

const ROWS: readonly Row[] = [
  ['no_credentials', 401, BARE, {}, {}, undefined],
  ['malformed_credentials', 400, INVALID_REQUEST, {}, {}, 'a b'],
  ['token_too_long', 400, INVALID_REQUEST, {}, {}, 'a'.repeat(8193)],
  ['inactive', 401, INVALID_TOKEN, {}, { active: false }, 'x'],
  ['refresh_token', 401, INVALID_TOKEN, {}, { token_type: 'refresh_token' }, 'x'],
  ['expired', 401, INVALID_TOKEN, {}, { exp: 1 }, 'x'],
  ['not_yet_valid', 401, INVALID_TOKEN, {}, { nbf: 9e9 }, 'x'],
  ['issuer_mismatch', 401, INVALID_TOKEN, { issuer: 'https://as.test' }, { iss: 'x' }, 'x'],
  ['audience_mismatch', 401, INVALID_TOKEN, { audience: 'api' }, { aud: 'x' }, 'x'],
  ['sender_constrained', 401, INVALID_TOKEN, {}, { cnf: { jkt: 'x' } }, 'x'],
  ['insufficient_scope', 403, insufficientScope('admin'), { scopes: ['admin'] }, {}, 'x'],
];

const BODIES: Readonly<Record<string, object>> = {
  [BARE]: {},
  [INVALID_REQUEST]: {
    error: 'invalid_request',
    error_description: 'The request must carry exactly one well-formed bearer token',
  },
  [INVALID_TOKEN]: {
    error: 'invalid_token',
    error_description: 'The access token is not valid for this resource',
  },
  [insufficientScope('admin')]: {
    error: 'insufficient_scope',
    error_description: 'The access token does not grant what this resource requires',
  },
};

describe('a client', () => {
  it.each<Row>([...ROWS])(
    'rejected for %s sees only %d and its challenge, and the operator sees the reason',
    async (reason, status, challenge, options, claims, token) => {
      const decisions = recordDecisions();
      const endpoint = await createEndpoint(active(claims));
      const api = createApi(endpoint, options);
      const response = await api.get(token).expect(status);
      const { date: _date, ...headers } = response.headers;
      expect(headers).toEqual({
        'www-authenticate': challenge,
        'cache-control': 'no-store',
        'content-type': 'application/json; charset=utf-8',
        'content-length': String(response.text.length),
        connection: 'close',
      });
      expect(response.body).toEqual(BODIES[challenge]);
      expect([api.reached(), api.errors]).toEqual([0, []]);
      expect(decisions).toEqual([
        expect.objectContaining({ outcome: 'rejected', by: 'tokenIntrospection', status, reason }),
      ]);
    },
  );

  it('with a valid token gets the claims as the endpoint sent them', async () => {
    const claims = active({ exp: 4_000_000_000, aud: ['api'], tenant: { id: 7 } });
    const endpoint = await createEndpoint(claims);
    const api = createApi(endpoint, { audience: 'api' });
    expect((await api.get('good').expect(200)).body).toEqual({ auth: claims });
    expect([api.reached(), endpoint.asked.length]).toEqual([1, 1]);
  });
});
