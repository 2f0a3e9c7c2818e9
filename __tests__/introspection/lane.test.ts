import { createLane } from '../../lib/introspection/lane.js';

/** Enters so many, and tells in which order they get in. */
function crowd(lane: ReturnType<typeof createLane>, size: number): number[] {
  const inside: number[] = [];
  for (let number = 1; number <= size; number++) {
    const room = lane.enter();
    if (room === undefined) inside.push(number);
    else room.then(() => inside.push(number));
  }
  return inside;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a lane', () => {
  it('lets in as many as it is wide, at once, and no more', async () => {
    const inside = crowd(createLane(3), 5);
    expect(inside).toEqual([1, 2, 3]);
    await turn();
    expect(inside).toEqual([1, 2, 3]);
  });

  it('lets in one for each that leaves, in the order in which they came', async () => {
    const lane = createLane(2);
    const inside = crowd(lane, 5);
    for (const expected of [
      [1, 2, 3],
      [1, 2, 3, 4],
      [1, 2, 3, 4, 5],
    ]) {
      lane.leave();
      await turn();
      expect(inside).toEqual(expected);
    }
  });

  it('is as wide as before once everybody has left', async () => {
    const lane = createLane(2);
    crowd(lane, 4);
    await turn();
    for (let left = 0; left < 4; left++) lane.leave();
    await turn();
    expect(crowd(lane, 3)).toEqual([1, 2]);
  });

  it('lets nobody overtake one who waits', async () => {
    const lane = createLane(1);
    const inside = crowd(lane, 2);
    lane.leave();
    expect(lane.enter()).toBeInstanceOf(Promise);
    await turn();
    expect(inside).toEqual([1, 2]);
  });
});
