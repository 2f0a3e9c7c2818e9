import { AuthError, type AuthErrorReason } from '../../lib/core/errors.js';
import { createRejectionWatches } from '../../lib/diagnostics/rejection-watch.js';
import { recordWarnings } from '../support/warnings.js';

const CONFIGURATION: AuthErrorReason[] = [
  'audience_mismatch',
  'issuer_mismatch',
  'not_yet_valid',
  'refresh_token',
  'inactive',
  'unsupported_token_type',
  'claims_rejected',
  'malformed_credentials',
  'sender_constrained',
];

const A_MINUTE_MS = 60_000;

function createWatch({ wasAnyActive = false } = {}) {
  const warnings = recordWarnings();
  let now = 0;
  const watches = createRejectionWatches({ monotonic: () => now, wasAnyActive: () => wasAnyActive });
  const watch = watches.create();
  const reject = (reason: AuthErrorReason, count = 1) => {
    for (let token = 0; token < count; token++) watch.rejected(new AuthError(reason));
  };
  return {
    watches,
    watch,
    reject,
    codes: () => warnings.map(({ code }) => code),
    warnings,
    pass(ms: number) {
      now += ms;
    },
  };
}

beforeEach(() => jest.useFakeTimers({ doNotFake: ['performance'] }));

afterEach(() => jest.useRealTimers());

describe('a watch, while no token has been accepted', () => {
  it.each(CONFIGURATION)('warns once at the 20th token that is rejected as %s', (reason) => {
    const { reject, warnings } = createWatch();
    reject(reason, 19);
    expect(warnings).toEqual([]);
    reject(reason);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.text).toMatch(
      new RegExp(
        `^No token has been accepted so far, and 20 were rejected \\(${reason}\\)\\. If some of them were valid: [A-Z]`,
      ),
    );
    reject(reason, 100);
    expect(warnings).toHaveLength(1);
  });

  it('warns after a minute when 3 tokens were rejected in it', () => {
    const { reject, codes } = createWatch();
    reject('audience_mismatch', 3);
    jest.advanceTimersByTime(A_MINUTE_MS - 1);
    expect(codes()).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(codes()).toEqual(['AUDIENCE_MISMATCH']);
  });

  it('does not warn of 2 rejected tokens until there is a third', () => {
    const { reject, codes, pass } = createWatch();
    reject('inactive', 2);
    jest.advanceTimersByTime(10 * A_MINUTE_MS);
    expect(codes()).toEqual([]);
    pass(A_MINUTE_MS);
    reject('inactive');
    expect(codes()).toEqual(['ALL_INACTIVE']);
  });

  it('counts each reason separately, so that bad tokens of strangers hide no other reason', () => {
    const { reject, codes } = createWatch();
    for (let token = 0; token < 20; token++) {
      reject('malformed_credentials', 2);
      reject('issuer_mismatch');
    }
    expect(codes()).toEqual(['MALFORMED_CREDENTIALS', 'ISSUER_MISMATCH']);
  });

  it.each<AuthErrorReason>([
    'no_credentials',
    'insufficient_scope',
    'expired',
    'claim_mismatch',
    'insufficient_role',
    'actor_mismatch',
    'no_user',
    'token_too_long',
    'invalid_dpop_proof',
  ])('never warns of %s, which says nothing about the configuration', (reason) => {
    const { reject, codes } = createWatch();
    reject(reason, 100);
    jest.advanceTimersByTime(A_MINUTE_MS);
    expect(codes()).toEqual([]);
  });

  it('does not warn of inactive tokens when the endpoint has called another token active', () => {
    const { reject, codes } = createWatch({ wasAnyActive: true });
    reject('inactive', 100);
    expect(codes()).toEqual([]);
  });
});

describe('an accepted token', () => {
  it.each([0, 1, 19])('ends the warnings of the middleware, after %d rejections', (before) => {
    const { reject, watch, codes } = createWatch();
    reject('audience_mismatch', before);
    watch.stop();
    reject('audience_mismatch', 500);
    jest.advanceTimersByTime(A_MINUTE_MS);
    expect([codes(), jest.getTimerCount()]).toEqual([[], 0]);
  });

  it('does not end the warnings of another middleware', () => {
    const { watches, watch, codes } = createWatch();
    const other = watches.create();
    watch.stop();
    for (let token = 0; token < 20; token++) other.rejected(new AuthError('audience_mismatch'));
    expect(codes()).toEqual(['AUDIENCE_MISMATCH']);
  });
});

describe('close', () => {
  it('stops the timers', () => {
    const { watches, reject, codes } = createWatch();
    reject('audience_mismatch', 5);
    expect(jest.getTimerCount()).toBe(1);
    watches.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(A_MINUTE_MS);
    expect(codes()).toEqual([]);
  });
});
