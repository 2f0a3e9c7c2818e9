import { withDeadline } from '../../lib/core/timeout.js';
import { type ConcurrencyLimit, createConcurrencyLimit } from '../../lib/introspection/concurrency-limit.js';
import { createDeferred, type Deferred } from '../support/deferred.js';
import { until } from '../support/until.js';

const leaving: (() => void)[] = [];

afterEach(() => {
  for (const leave of leaving.splice(0)) leave();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Runs `size` calls that end on `leave`. Records the order in which they started, and how each ended. */
function crowd(limit: ConcurrencyLimit, size: number, timeoutMs = 30_000, listensToSignal = true, isKnown = false) {
  const inside: number[] = [];
  const ended: unknown[] = [];
  const stays: Deferred<void>[] = [];
  for (let number = 0; number < size; number++) {
    const stay = createDeferred();
    stays.push(stay);
    leaving.push(stay.resolve);
    withDeadline(
      timeoutMs,
      (deadline) => {
        if (listensToSignal) deadline.signal.once('abort', () => stay.resolve());
        return limit.run(
          async () => {
            inside.push(number);
            await stay.promise;
          },
          deadline,
          isKnown,
        );
      },
      () => {},
    ).then(
      () => ended.push(number),
      (error: { code?: unknown }) => ended.push(error.code),
    );
  }
  return { inside, ended, leave: (number: number) => stays[number]?.resolve() };
}

describe('createConcurrencyLimit', () => {
  it('runs no more concurrent calls than its width', async () => {
    const { inside } = crowd(createConcurrencyLimit({ width: { current: 3 }, reserved: 0 }), 5);
    expect(inside).toEqual([0, 1, 2]);
    await turn();
    expect(inside).toEqual([0, 1, 2]);
  });

  it('starts one call for each call that ends, in order of arrival', async () => {
    const { inside, leave } = crowd(createConcurrencyLimit({ width: { current: 2 }, reserved: 0 }), 5);
    for (const [leaving, expected] of [
      [1, [0, 1, 2]],
      [0, [0, 1, 2, 3]],
      [3, [0, 1, 2, 3, 4]],
    ] as const) {
      leave(leaving);
      await turn();
      expect(inside).toEqual(expected);
    }
  });

  it('has all places again after every call has ended', async () => {
    const limit = createConcurrencyLimit({ width: { current: 2 }, reserved: 0 });
    const { leave } = crowd(limit, 4);
    for (let number = 0; number < 4; number++) {
      leave(number);
      await turn();
    }
    expect(crowd(limit, 3).inside).toEqual([0, 1]);
  });

  it('starts no new call before a waiting one', async () => {
    const limit = createConcurrencyLimit({ width: { current: 1 }, reserved: 0 });
    const first = crowd(limit, 2);
    first.leave(0);
    const late = crowd(limit, 1);
    await turn();
    expect([first.inside, late.inside]).toEqual([[0, 1], []]);
  });

  it.each([true, false])(
    'frees the places of calls whose deadline has passed, whether or not they stop: %j',
    async (listensToSignal) => {
      const limit = createConcurrencyLimit({ width: { current: 2 }, reserved: 0 });
      const hasty = crowd(limit, 2, 20, listensToSignal);
      const patient = crowd(limit, 3);
      await until(() => hasty.ended.length === 2);
      await turn();
      expect([hasty.ended, patient.inside]).toEqual([
        ['timeout', 'timeout'],
        [0, 1],
      ]);
    },
  );

  it('does not start a call whose deadline passed while it waited', async () => {
    const limit = createConcurrencyLimit({ width: { current: 1 }, reserved: 0 });
    const first = crowd(limit, 1);
    const hasty = crowd(limit, 2, 20);
    const patient = crowd(limit, 1);
    await until(() => hasty.ended.length === 2);
    first.leave(0);
    await turn();
    expect([hasty.inside, patient.inside]).toEqual([[], [0]]);
  });

  it('frees the places of failed calls', async () => {
    const limit = createConcurrencyLimit({ width: { current: 1 }, reserved: 0 });
    const failing = withDeadline(
      1000,
      (deadline) => limit.run(() => Promise.reject(new Error('no')), deadline, false),
      () => {},
    );
    await expect(failing).rejects.toThrow('no');
    expect(crowd(limit, 2).inside).toEqual([0]);
  });

  it('reserves places for known tokens, which may also take any other free place', async () => {
    const limit = createConcurrencyLimit({ width: { current: 2 }, reserved: 1 });
    const unknown = crowd(limit, 4);
    const known = crowd(limit, 3, 30_000, true, true);
    expect([unknown.inside, known.inside]).toEqual([[0, 1], [0]]);
    unknown.leave(0);
    await turn();
    expect([unknown.inside, known.inside]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    unknown.leave(1);
    known.leave(0);
    known.leave(1);
    await turn();
    expect([unknown.inside, known.inside]).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2],
    ]);
  });

  it('does not start a call that has waited for half of its deadline', async () => {
    const limit = createConcurrencyLimit({ width: { current: 1 }, reserved: 0 });
    const first = crowd(limit, 1);
    const now = jest.spyOn(performance, 'now');
    const start = performance.now();
    now.mockReturnValue(start);
    const [hasty, patient] = [crowd(limit, 1, 10_000), crowd(limit, 1, 30_000)];
    now.mockReturnValue(start + 5001);
    first.leave(0);
    await turn();
    await turn();
    expect([hasty.ended, hasty.inside, patient.inside]).toEqual([['overloaded'], [], [0]]);
    now.mockRestore();
  });
});
