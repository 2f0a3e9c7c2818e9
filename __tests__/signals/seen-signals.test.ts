import { createSeenSignals } from '../../lib/signals/seen-signals.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';

const KEEP_MS = 60_000;

function create() {
  const clock = createClock();
  const seen = createSeenSignals(clock, KEEP_MS);
  let done = 0;
  const work = async () => void done++;
  return { clock, once: (id: string, content = '') => seen.once(id, content, work), seen, done: () => done };
}

describe('a signal', () => {
  it('is handled once within the time for which it is remembered', async () => {
    const { clock, once, done } = create();
    expect([await once('a'), await once('b'), await once('a')]).toEqual(['done', 'done', 'repeated']);
    clock.advance(59);
    expect([await once('a'), done()]).toEqual(['repeated', 2]);
    clock.advance(1);
    expect([await once('a'), done()]).toEqual(['done', 3]);
  });

  it('is in conflict with another one of the same identifier', async () => {
    const { once, done } = create();
    expect([await once('a', 'x'), await once('a', 'y'), await once('a', 'x'), done()]).toEqual([
      'done',
      'conflict',
      'repeated',
      1,
    ]);
  });

  it('waits for the same one that is being handled, and fails with it', async () => {
    const { seen } = create();
    const handling = createDeferred();
    const both = [1, 2].map(() => seen.once('a', '', () => handling.promise));
    handling.reject(new Error('the store fails'));
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await seen.once('a', '', async () => {})).toBe('done');
  });

  it('is remembered although an earlier one with the same identifier, which was forgotten meanwhile, fails', async () => {
    const { seen, once } = create();
    const handling = createDeferred();
    const first = seen.once('a', '', () => handling.promise);
    for (let i = 0; i < 20_000; i++) await once(`newer-${i}`);
    expect(await once('a')).toBe('done');
    handling.reject(new Error('the store fails'));
    await expect(first).rejects.toThrow('the store fails');
    expect(await once('a')).toBe('repeated');
  });

  it('is forgotten when 20,000 newer ones came', async () => {
    const { once } = create();
    await once('first');
    for (let i = 0; i < 19_999; i++) await once(`newer-${i}`);
    expect(await once('first')).toBe('repeated');
    await once('one-more');
    expect([await once('newer-19998'), await once('first')]).toEqual(['repeated', 'done']);
  });
});
