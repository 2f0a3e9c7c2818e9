import { createNamedListeners } from '../../lib/cache/named-listeners.js';
import { measureKeptBytes } from '../support/kept-bytes.js';

const [ONE, TWO, THREE] = [{ id: 1 }, { id: 2 }, { id: 3 }];

describe('named listeners', () => {
  it('are found by their name, in the order in which they were added', () => {
    const listeners = createNamedListeners();
    listeners.add('a', TWO);
    listeners.add('a', ONE);
    listeners.add('b', THREE);
    expect([listeners.of('a'), listeners.of('b'), listeners.of('c')]).toEqual([[TWO, ONE], [THREE], []]);
    expect(listeners.all()).toEqual([TWO, ONE, THREE]);
  });

  it('are held once for each name, however often they are added', () => {
    const listeners = createNamedListeners();
    for (const listener of [ONE, ONE, TWO, TWO, ONE]) listeners.add('a', listener);
    listeners.add('b', ONE);
    expect([listeners.of('a'), listeners.of('b')]).toEqual([[ONE, TWO], [ONE]]);
  });

  it('are removed one by one', () => {
    const listeners = createNamedListeners();
    for (const listener of [ONE, TWO, THREE]) listeners.add('a', listener);
    listeners.remove('a', TWO);
    listeners.remove('a', TWO);
    listeners.remove('b', ONE);
    expect(listeners.of('a')).toEqual([ONE, THREE]);
    listeners.remove('a', ONE);
    expect(listeners.of('a')).toEqual([THREE]);
    listeners.remove('a', THREE);
    expect([listeners.of('a'), listeners.all()]).toEqual([[], []]);
  });

  it('stay when a listener is removed that was not added, and are removed alone', () => {
    const listeners = createNamedListeners();
    listeners.add('a', ONE);
    listeners.remove('a', TWO);
    expect(listeners.of('a')).toEqual([ONE]);
    listeners.remove('a', ONE);
    expect(listeners.of('a')).toEqual([]);
  });

  it('leave no memory when they are removed', async () => {
    const listeners = createNamedListeners();
    const keptBytes = await measureKeptBytes(() => {
      for (let count = 0; count < 20_000; count++) {
        for (const listener of [ONE, TWO]) listeners.add(`name-${count}`, listener);
        for (const listener of [ONE, TWO]) listeners.remove(`name-${count}`, listener);
      }
    });
    expect(listeners.all()).toEqual([]);
    expect(keptBytes).toBeLessThan(1_000_000);
  });

  it('are returned as a list that later changes do not affect', () => {
    const listeners = createNamedListeners();
    for (const listener of [ONE, TWO]) listeners.add('a', listener);
    const lists = [listeners.of('a'), listeners.all()];
    for (const listener of [ONE, TWO]) listeners.remove('a', listener);
    expect(lists).toEqual([
      [ONE, TWO],
      [ONE, TWO],
    ]);
  });
});
