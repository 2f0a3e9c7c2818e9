import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/core/errors.js';
import { createFailedTokens } from '../../lib/introspection/failed-tokens.js';

function create() {
  let now = 0;
  const failedTokens = createFailedTokens(() => now);
  const fail = (token: string, code: IntrospectionErrorCode = 'server_error') =>
    failedTokens.noteFailure(token, new IntrospectionError(code, 'HTTP 500', 1));
  const refusal = (token: string): unknown => {
    try {
      failedTokens.assertLookupAllowed(token);
      return undefined;
    } catch (error) {
      const { code, detail, retryAfterSeconds } = error as IntrospectionError;
      return { code, detail, retryAfterSeconds };
    }
  };
  return { ...failedTokens, fail, refusal, pass: (ms: number) => (now += ms) };
}

describe('a token for which the endpoint failed', () => {
  it('may be asked about after one failure, and after two not for three seconds', () => {
    const { fail, refusal, pass } = create();
    fail('odd');
    expect(refusal('odd')).toBeUndefined();
    fail('odd');
    expect(refusal('odd')).toEqual({ code: 'server_error', detail: 'HTTP 500', retryAfterSeconds: 3 });
    pass(2500);
    expect(refusal('odd')).toMatchObject({ retryAfterSeconds: 1 });
    pass(500);
    expect(refusal('odd')).toBeUndefined();
  });

  it('starts anew after an answer', () => {
    const { fail, refusal, noteResponse } = create();
    fail('odd');
    noteResponse('odd');
    fail('odd');
    expect(refusal('odd')).toBeUndefined();
  });

  it('keeps no other token from being asked about', () => {
    const { fail, refusal } = create();
    fail('odd');
    fail('odd');
    expect(refusal('good')).toBeUndefined();
  });

  it('starts anew when its last failure is three seconds old', () => {
    const { fail, refusal, pass } = create();
    fail('odd');
    pass(3000);
    fail('odd');
    expect(refusal('odd')).toBeUndefined();
  });

  it.each<IntrospectionErrorCode>(['timeout', 'unreachable', 'rate_limited', 'overloaded', 'circuit_open'])(
    'is not remembered for %s, which is not about the token',
    (code) => {
      const { fail, refusal } = create();
      fail('odd', code);
      fail('odd', code);
      expect(refusal('odd')).toBeUndefined();
    },
  );

  it('is forgotten when a thousand others have failed since, so that memory stays bounded', () => {
    const { fail, refusal } = create();
    fail('first');
    fail('first');
    for (let token = 0; token < 999; token++) fail(`token ${token}`);
    expect(refusal('first')).toBeDefined();
    fail('another');
    expect(refusal('first')).toBeUndefined();
  });
});
