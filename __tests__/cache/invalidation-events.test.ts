import { createInvalidationEvents, type InvalidationEvents } from '../../lib/cache/invalidation-events.js';
import type { InvalidationReason, InvalidationWatcher } from '../../lib/cache/invalidation-watcher.js';
import { activeRecord } from '../support/records.js';

const RECORD = activeRecord({ sub: 'alice' });

interface Watcher extends InvalidationWatcher {
  readonly reasons: InvalidationReason[];
}

function createWatcher(onCall = () => {}): Watcher {
  const reasons: InvalidationReason[] = [];
  return {
    digest: 'digest',
    record: RECORD,
    reasons,
    onInvalidated(reason) {
      reasons.push(reason);
      onCall();
    },
  };
}

const createEvents = () => createInvalidationEvents(undefined, () => true);

describe('InvalidationEvents.watch', () => {
  it.each<[string, (events: InvalidationEvents) => void, InvalidationReason[]]>([
    ['its token is forgotten', ({ forget }) => forget('digest'), ['forgotten']],
    ['one of its claims is forgotten', ({ forgetClaim }) => forgetClaim('sub', 'alice'), ['forgotten']],
    ['the introspector closes', ({ close }) => close(), ['closed']],
  ])('calls the watcher when %s', (_, end, expected) => {
    const events = createEvents();
    const watcher = createWatcher();
    expect(events.watch(watcher)).toBe(true);
    end(events);
    expect(watcher.reasons).toEqual(expected);
  });

  it('does not call the watcher for other tokens, claims and users', () => {
    const { watch, forget, forgetClaim } = createEvents();
    const watcher = createWatcher();
    watch(watcher);
    forget('other');
    forgetClaim('sub', 'bob');
    forgetClaim('sid', 'alice');
    expect(watcher.reasons).toEqual([]);
  });

  it('calls each watcher of a token, and removes each separately, however often', () => {
    const { watch, unwatch, forget, close } = createEvents();
    const [one, two] = [createWatcher(), createWatcher()];
    watch(one);
    watch(two);
    forget('digest');
    unwatch(one);
    unwatch(one);
    forget('digest');
    expect([one.reasons.length, two.reasons.length]).toEqual([1, 2]);
    unwatch(two);
    forget('digest');
    close();
    expect([one.reasons.length, two.reasons.length]).toEqual([1, 2]);
  });

  it('calls all watchers although one of them removes itself and the next', () => {
    const { watch, unwatch, forget } = createEvents();
    const watchers: Watcher[] = [];
    const removeAll = () => {
      for (const watcher of watchers) unwatch(watcher);
    };
    watchers.push(createWatcher(removeAll), createWatcher(), createWatcher());
    for (const watcher of watchers) watch(watcher);
    forget('digest');
    forget('digest');
    expect(watchers.map(({ reasons }) => reasons.length)).toEqual([1, 1, 1]);
  });
});
