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

describe('createFailedTokens', () => {
  it('allows a lookup after one failure, and none for three seconds after the second', () => {
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

  it('counts from zero after a response', () => {
    const { fail, refusal, noteResponse } = create();
    fail('odd');
    noteResponse('odd');
    fail('odd');
    expect(refusal('odd')).toBeUndefined();
  });

  it('does not block other tokens', () => {
    const { fail, refusal } = create();
    fail('odd');
    fail('odd');
    expect(refusal('good')).toBeUndefined();
  });

  it('counts from zero when the last failure is three seconds old', () => {
    const { fail, refusal, pass } = create();
    fail('odd');
    pass(3000);
    fail('odd');
    expect(refusal('odd')).toBeUndefined();
  });

  it.each<IntrospectionErrorCode>(['timeout', 'unreachable', 'rate_limited', 'overloaded', 'circuit_open'])(
    'does not count %s, which no token causes',
    (code) => {
      const { fail, refusal } = create();
      fail('odd', code);
      fail('odd', code);
      expect(refusal('odd')).toBeUndefined();
    },
  );

  it('forgets a token after a thousand others have failed', () => {
    const { fail, refusal } = create();
    fail('first');
    fail('first');
    for (let token = 0; token < 999; token++) fail(`token ${token}`);
    expect(refusal('first')).toBeDefined();
    fail('another');
    expect(refusal('first')).toBeUndefined();
  });
});
