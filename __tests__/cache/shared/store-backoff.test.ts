import { createStoreBackoff as createReportingRest } from '../../../lib/cache/shared/store-backoff.js';
import { createClock, type FakeClock } from '../../support/clock.js';
import { createDeferred } from '../../support/deferred.js';

const states: string[] = [];

beforeEach(() => void states.splice(0));

function createRest(clock: FakeClock) {
  return createReportingRest(clock, (isFailing) => states.push(isFailing ? 'failing' : 'ok'));
}

const fails = async (): Promise<string> => {
  throw new Error('no connection');
};
const works = async () => 'result';

it('brings the result while all is well, side by side, and says nothing', async () => {
  const rest = createRest(createClock());
  expect(await Promise.all([rest.attempt(works), rest.attempt(works)])).toEqual(['result', 'result']);
  expect(states).toEqual([]);
});

it('rests for half a second after a failure, and twice as long after each failed trial, up to ten seconds', async () => {
  const clock = createClock();
  const rest = createRest(clock);
  await rest.attempt(fails);
  for (const seconds of [0.5, 1, 2, 4, 8, 10, 10]) {
    clock.advance(seconds - 0.001);
    expect(await rest.attempt(works)).toBeUndefined();
    clock.advance(0.001);
    let tried = 0;
    expect(
      await rest.attempt(() => {
        tried++;
        return fails();
      }),
    ).toBeUndefined();
    expect([seconds, tried]).toEqual([seconds, 1]);
  }
  expect(states).toEqual(['failing']);
});

it('is well again after a trial that worked, and begins anew with the short rest', async () => {
  const clock = createClock();
  const rest = createRest(clock);
  await rest.attempt(fails);
  clock.advance(0.5);
  await rest.attempt(fails);
  clock.advance(1);
  expect(await rest.attempt(works)).toBe('result');
  expect(await rest.attempt(works)).toBe('result');
  expect(states).toEqual(['failing', 'ok']);
  await rest.attempt(fails);
  clock.advance(0.5);
  expect(await rest.attempt(works)).toBe('result');
  expect(states).toEqual(['failing', 'ok', 'failing', 'ok']);
});

it('makes one trial at a time, for which the others do not wait', async () => {
  const clock = createClock();
  const rest = createRest(clock);
  await rest.attempt(fails);
  clock.advance(1);
  const trial = createDeferred<string>();
  const tried = rest.attempt(() => trial.promise);
  expect(await rest.attempt(works)).toBeUndefined();
  trial.resolve('result');
  expect(await tried).toBe('result');
  expect(await rest.attempt(works)).toBe('result');
});

it('counts many that fail at once as one failure', async () => {
  const clock = createClock();
  const rest = createRest(clock);
  await Promise.all([...Array(10)].map(() => rest.attempt(fails)));
  clock.advance(0.5);
  expect(await rest.attempt(works)).toBe('result');
  expect(states).toEqual(['failing', 'ok']);
});

it('takes a throw for a failure, and is not well by what had begun before', async () => {
  const clock = createClock();
  const rest = createRest(clock);
  const early = createDeferred<string>();
  const earlier = rest.attempt(() => early.promise);
  await rest.attempt(() => {
    throw new Error('at once');
  });
  early.resolve('result');
  expect(await earlier).toBe('result');
  expect(await rest.attempt(works)).toBeUndefined();
});
