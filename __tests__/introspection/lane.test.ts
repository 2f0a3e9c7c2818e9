import { withDeadline } from '../../lib/introspection/deadline.js';
import { createLane, type Lane } from '../../lib/introspection/lane.js';
import { createDeferred, type Deferred } from '../support/deferred.js';
import { until } from '../support/until.js';

const leaving: (() => void)[] = [];

afterEach(() => {
  for (const leave of leaving.splice(0)) leave();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Sends in so many, each of whom stays until told to leave; tells in which order they got in, and how each ended. */
function crowd(lane: Lane, size: number, timeoutMs = 30_000, heeds = true) {
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
        if (heeds) deadline.signal.once('abort', () => stay.resolve());
        return lane.run(async () => {
          inside.push(number);
          await stay.promise;
        }, deadline);
      },
      () => {},
    ).then(
      () => ended.push(number),
      (error: { code?: unknown }) => ended.push(error.code),
    );
  }
  return { inside, ended, leave: (number: number) => stays[number]?.resolve() };
}

describe('a lane', () => {
  it('lets in as many as it is wide, at once, and no more', async () => {
    const { inside } = crowd(createLane(3), 5);
    expect(inside).toEqual([0, 1, 2]);
    await turn();
    expect(inside).toEqual([0, 1, 2]);
  });

  it('lets in one for each that leaves, in the order in which they came', async () => {
    const { inside, leave } = crowd(createLane(2), 5);
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

  it('is as wide as before once everybody has left', async () => {
    const lane = createLane(2);
    const { leave } = crowd(lane, 4);
    for (let number = 0; number < 4; number++) {
      leave(number);
      await turn();
    }
    expect(crowd(lane, 3).inside).toEqual([0, 1]);
  });

  it('lets nobody overtake one who waits', async () => {
    const lane = createLane(1);
    const first = crowd(lane, 2);
    first.leave(0);
    const late = crowd(lane, 1);
    await turn();
    expect([first.inside, late.inside]).toEqual([[0, 1], []]);
  });

  it.each([true, false])('is left by those whose time is over, whether or not they heed it: %j', async (heeds) => {
    const lane = createLane(2);
    const hasty = crowd(lane, 2, 20, heeds);
    const patient = crowd(lane, 3);
    await until(() => hasty.ended.length === 2);
    await turn();
    expect([hasty.ended, patient.inside]).toEqual([
      ['timeout', 'timeout'],
      [0, 1],
    ]);
  });

  it('lets nobody in whose time was over in line', async () => {
    const lane = createLane(1);
    const first = crowd(lane, 1);
    const hasty = crowd(lane, 2, 20);
    const patient = crowd(lane, 1);
    await until(() => hasty.ended.length === 2);
    first.leave(0);
    await turn();
    expect([hasty.inside, patient.inside]).toEqual([[], [0]]);
  });

  it('is left by those who fail', async () => {
    const lane = createLane(1);
    const failing = withDeadline(
      1000,
      (deadline) => lane.run(() => Promise.reject(new Error('no')), deadline),
      () => {},
    );
    await expect(failing).rejects.toThrow('no');
    expect(crowd(lane, 2).inside).toEqual([0]);
  });
});
