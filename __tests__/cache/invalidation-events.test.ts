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

describe('a watcher of a record whose lookup was noted', () => {
  /** Events, and a watcher whose lookup began before its `sub` was invalidated, if `isInvalidated`. */
  async function create({ isCached, isInvalidated }: { isCached: boolean; isInvalidated: boolean }) {
    const watched: string[] = [];
    const revocations = {
      watch: ({ digest }: InvalidationWatcher) => void watched.push(`watch ${digest}`),
      unwatch: ({ digest }: InvalidationWatcher) => void watched.push(`unwatch ${digest}`),
    };
    const asked: unknown[][] = [];
    const events = createInvalidationEvents(revocations, (...args) => {
      asked.push(args);
      return isCached;
    });
    const record = (await events.note(async () => activeRecord({ sub: 'alice' }))) as typeof RECORD;
    if (isInvalidated) events.forgetClaim('sub', 'alice');
    return { events, asked, watched, watcher: { ...createWatcher(), record } };
  }

  it('is not added if the record was invalidated and is not cached', async () => {
    const { events, watcher, watched, asked } = await create({ isCached: false, isInvalidated: true });
    expect(events.watch(watcher)).toBe(false);
    events.forget('digest');
    expect([watcher.reasons, watched, asked]).toEqual([[], [], [['digest', watcher.record]]]);
  });

  it.each([
    [true, true],
    [true, false],
    [false, false],
  ])('is added if the record is cached (%s) or was not invalidated (%s)', async (isCached, isInvalidated) => {
    const { events, watcher, watched } = await create({ isCached, isInvalidated });
    expect(events.watch(watcher)).toBe(true);
    events.forget('digest');
    events.unwatch(watcher);
    expect([watcher.reasons, watched]).toEqual([['forgotten'], ['watch digest', 'unwatch digest']]);
  });
});

describe('isInvalidated', () => {
  it.each<[string, (events: InvalidationEvents) => void, boolean]>([
    ['its token', ({ forget }) => forget('digest'), true],
    ['its sub', ({ forgetClaim }) => forgetClaim('sub', 'alice'), true],
    ['its jti', ({ forgetClaim }) => forgetClaim('jti', 'one'), true],
    ['another token', ({ forget }) => forget('alice'), false],
    ['another claim with the value of its sub', ({ forgetClaim }) => forgetClaim('sid', 'alice'), false],
    ['a claim that is no text', ({ forgetClaim }) => forgetClaim('client_id', 'app'), false],
    ['the sub of somebody else', ({ forgetClaim }) => forgetClaim('sub', 'bob'), false],
    ['nothing', () => {}, false],
  ])('tells whether %s was invalidated since the lookup', async (_name, invalidate, expected) => {
    const events = createEvents();
    const find = async () => activeRecord({ sub: 'alice', jti: 'one', client_id: ['app'] });
    const record = (await events.note(find)) as typeof RECORD;
    invalidate(events);
    expect(events.isInvalidated('digest', record)).toBe(expected);
    const later = (await events.note(find)) as typeof RECORD;
    expect(events.isInvalidated('digest', later)).toBe(false);
  });
});
