import { targetsOf } from '../../lib/signals/subject.js';

const ISSUER = 'https://idp.example.com';
const EMAIL = { format: 'email', email: 'alice@example.com' };

afterEach(() => {
  jest.useRealTimers();
});

describe('the option "subject"', () => {
  it('fails after 10 seconds if it never settles, so that it stops neither a request nor the polling', async () => {
    jest.useFakeTimers();
    const outcome = targetsOf(EMAIL, { issuer: ISSUER, subject: () => new Promise(() => {}) }).catch((error) => error);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(await Promise.race([outcome, 'still waits'])).toMatchObject({ reason: 'subject_failed', isOutage: true });
  });

  it('leaves its own error to the caller, and no timer', async () => {
    jest.useFakeTimers();
    const failure = new Error('the database fails');
    const fail = () => {
      throw failure;
    };
    await expect(targetsOf(EMAIL, { issuer: ISSUER, subject: fail })).rejects.toBe(failure);
    expect(await targetsOf(EMAIL, { issuer: ISSUER, subject: async () => ({ sub: 'alice' }) })).toEqual([
      { sub: 'alice' },
    ]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
