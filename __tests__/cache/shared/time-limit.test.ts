import { withTimeLimit } from '../../../lib/cache/shared/time-limit.js';
import type { CacheStore } from '../../../lib/index.js';

const LIMIT_MS = 250;
const REQUEST = { leaseId: 'lease', leaseMs: 1000 };
const ENTRY = { value: Buffer.from('x'), expiresAt: 1 };

const COMMANDS: readonly (readonly [name: string, run: (store: CacheStore) => Promise<unknown>, args: unknown[]])[] = [
  ['getOrLease', (store) => store.getOrLease('key', REQUEST), ['key', REQUEST]],
  ['keepAndRelease', (store) => store.keepAndRelease('key', 'lease', ENTRY), ['key', 'lease', ENTRY]],
  ['setIfAbsent', (store) => store.setIfAbsent('key', 7), ['key', 7]],
  ['append', (store) => store.append('entry', 7), ['entry', 7]],
];

/** A store that has only one command. */
function create(name: string, command: (...args: unknown[]) => unknown): CacheStore {
  return withTimeLimit({ [name]: command } as unknown as CacheStore, LIMIT_MS);
}

afterEach(() => {
  jest.useRealTimers();
});

describe.each(COMMANDS)('the store command %s', (name, run, args) => {
  it('gets its arguments, and its result is returned', async () => {
    const command = jest.fn(async () => 'result');
    expect(await run(create(name, command))).toBe('result');
    expect(command.mock.calls).toEqual([args]);
  });

  it('rejects when the store throws', async () => {
    const failing = create(name, () => {
      throw new Error('no connection');
    });
    await expect(run(failing)).rejects.toThrow('no connection');
  });

  it('rejects at the time limit', async () => {
    jest.useFakeTimers();
    const outcome = run(create(name, () => new Promise(() => {}))).catch((error: Error) => error.message);
    await jest.advanceTimersByTimeAsync(LIMIT_MS - 1);
    expect(await Promise.race([outcome, 'still waits'])).toBe('still waits');
    await jest.advanceTimersByTimeAsync(2);
    expect(await Promise.race([outcome, 'still waits'])).toBe('too late');
  });
});

it('the log of a store is followed without a time limit', () => {
  const stop = async () => {};
  const reader = { onStart() {}, onEntries() {}, onCaughtUp() {} };
  const follow = jest.fn(() => stop);
  expect(create('follow', follow as never).follow(reader)).toBe(stop);
  expect(follow.mock.calls).toEqual([[reader]]);
});
