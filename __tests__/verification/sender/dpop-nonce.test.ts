import { createNonces } from '../../../lib/verification/sender/dpop-nonce.js';
import { createClock } from '../../support/clock.js';

const PERIOD = 120;
const SECRET = 'a secret of at least 32 bytes, honestly';
const OTHER = 'another secret of at least 32 bytes, too';

describe('a DPoP nonce', () => {
  it('is current for at most 120 seconds, then old for 120 seconds, then unknown', () => {
    const clock = createClock(PERIOD * 1000);
    const nonces = createNonces([SECRET], clock);
    const nonce = nonces.current();
    const seen = [0, PERIOD - 0.001, 0.001, PERIOD - 0.001, 0.001, PERIOD * 5].map((seconds) => {
      clock.advance(seconds);
      return [nonces.current() === nonce, nonces.check(nonce)];
    });
    expect(seen).toEqual([
      [true, 'current'],
      [true, 'current'],
      [false, 'old'],
      [false, 'old'],
      [false, 'unknown'],
      [false, 'unknown'],
    ]);
  });

  it('is accepted in every process with the same secret, and in none with another', () => {
    const clock = createClock();
    const nonce = createNonces([SECRET], clock).current();
    expect(createNonces([SECRET], clock).check(nonce)).toBe('current');
    expect(createNonces([OTHER], clock).check(nonce)).toBe('unknown');
    expect(createNonces([Buffer.from(SECRET)], clock).check(nonce)).toBe('current');
  });

  it('of a later secret is accepted as old, and the first secret creates new nonces', () => {
    const clock = createClock();
    const [before, rotating] = [createNonces([OTHER], clock), createNonces([SECRET, OTHER], clock)];
    expect(rotating.check(before.current())).toBe('old');
    expect(rotating.current()).toBe(createNonces([SECRET], clock).current());
    const nonce = before.current();
    clock.advance(PERIOD);
    expect(rotating.check(nonce)).toBe('old');
    clock.advance(PERIOD);
    expect(rotating.check(nonce)).toBe('unknown');
  });

  it('of the next period is accepted as old, because the clock of another process may be ahead', () => {
    const [clock, ahead] = [createClock(), createClock()];
    const nonceAfter = (seconds: number) => {
      ahead.advance(seconds);
      return createNonces([SECRET], ahead).current();
    };
    const nonces = createNonces([SECRET], clock);
    expect([nonces.check(nonceAfter(PERIOD)), nonces.check(nonceAfter(PERIOD))]).toEqual(['old', 'unknown']);
  });

  it.each([undefined, null, 7, '', 'x', [], {}, true])('is never %j', (value) => {
    expect(createNonces([SECRET], createClock()).check(value)).toBe('unknown');
  });

  it('is compared exactly, and differs from the one before', () => {
    const clock = createClock();
    const nonces = createNonces([SECRET], clock);
    const nonce = nonces.current();
    for (const near of [nonce.slice(0, -1), `${nonce}x`, nonce.toUpperCase(), ` ${nonce}`, [nonce]]) {
      expect(nonces.check(near)).toBe('unknown');
    }
    clock.advance(PERIOD);
    expect(nonces.current()).toHaveLength(nonce.length);
    expect(nonces.current()).not.toBe(nonce);
  });

  it('has only characters that a header can hold', () => {
    expect(createNonces([SECRET], createClock()).current()).toMatch(/^[\w-]{43}$/);
  });
});
