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
  const refuse = (reason: AuthErrorReason, count = 1) => {
    for (let token = 0; token < count; token++) watch.rejected(new AuthError(reason));
  };
  return {
    watches,
    watch,
    refuse,
    codes: () => warnings.map(({ code }) => code),
    warnings,
    pass(ms: number) {
      now += ms;
    },
  };
}

beforeEach(() => jest.useFakeTimers({ doNotFake: ['performance'] }));

afterEach(() => jest.useRealTimers());

describe('refusals from the start', () => {
  it.each(CONFIGURATION)('of 20 tokens as %s give one warning, not before and not again', (reason) => {
    const { refuse, warnings } = createWatch();
    refuse(reason, 19);
    expect(warnings).toEqual([]);
    refuse(reason);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.text).toMatch(
      new RegExp(
        `^No token has been accepted so far, and 20 were rejected \\(${reason}\\)\\. If some of them were valid: [A-Z]`,
      ),
    );
    refuse(reason, 100);
    expect(warnings).toHaveLength(1);
  });

  it('of three tokens within a minute give it when the minute is over', () => {
    const { refuse, codes } = createWatch();
    refuse('audience_mismatch', 3);
    jest.advanceTimersByTime(A_MINUTE_MS - 1);
    expect(codes()).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(codes()).toEqual(['AUDIENCE_MISMATCH']);
  });

  it('of two tokens within a minute give none until a third comes', () => {
    const { refuse, codes, pass } = createWatch();
    refuse('inactive', 2);
    jest.advanceTimersByTime(10 * A_MINUTE_MS);
    expect(codes()).toEqual([]);
    pass(A_MINUTE_MS);
    refuse('inactive');
    expect(codes()).toEqual(['ALL_INACTIVE']);
  });

  it('for one reason hide no other, and strangers cannot hide a real one', () => {
    const { refuse, codes } = createWatch();
    for (let token = 0; token < 20; token++) {
      refuse('malformed_credentials', 2);
      refuse('issuer_mismatch');
    }
    expect(codes()).toEqual(['MALFORMED_CREDENTIALS', 'ISSUER_MISMATCH']);
  });

  it.each<AuthErrorReason>([
    'no_credentials',
    'insufficient_scope',
    'expired',
    'claim_mismatch',
    'token_too_long',
    'invalid_dpop_proof',
  ])('as %s say nothing of the configuration', (reason) => {
    const { refuse, codes } = createWatch();
    refuse(reason, 100);
    jest.advanceTimersByTime(A_MINUTE_MS);
    expect(codes()).toEqual([]);
  });

  it('as inactive are no matter where the endpoint has called another token active', () => {
    const { refuse, codes } = createWatch({ wasAnyActive: true });
    refuse('inactive', 100);
    expect(codes()).toEqual([]);
  });
});

describe('a token that was accepted', () => {
  it.each([0, 1, 19])('ends it, after %d refusals', (before) => {
    const { refuse, watch, codes } = createWatch();
    refuse('audience_mismatch', before);
    watch.stop();
    refuse('audience_mismatch', 500);
    jest.advanceTimersByTime(A_MINUTE_MS);
    expect([codes(), jest.getTimerCount()]).toEqual([[], 0]);
  });

  it('at one middleware ends nothing at another', () => {
    const { watches, watch, codes } = createWatch();
    const other = watches.create();
    watch.stop();
    for (let token = 0; token < 20; token++) other.rejected(new AuthError('audience_mismatch'));
    expect(codes()).toEqual(['AUDIENCE_MISMATCH']);
  });
});

describe('closing', () => {
  it('leaves no timer', () => {
    const { watches, refuse, codes } = createWatch();
    refuse('audience_mismatch', 5);
    expect(jest.getTimerCount()).toBe(1);
    watches.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(A_MINUTE_MS);
    expect(codes()).toEqual([]);
  });
});
