import { createInvalidationEvents, type InvalidationReason } from '../../lib/cache/invalidation-events.js';
import { activeRecord } from '../support/records.js';

const RECORD = activeRecord({ sub: 'alice' });

function createEvents() {
  const events = createInvalidationEvents(undefined, () => true);
  const reasons: InvalidationReason[] = [];
  const listener = (reason: InvalidationReason) => void reasons.push(reason);
  return { ...events, reasons, listener };
}

describe('InvalidationEvents.watch', () => {
  it.each<[string, (events: ReturnType<typeof createEvents>) => void, InvalidationReason[]]>([
    ['its token is forgotten', ({ forget }) => forget('digest'), ['forgotten']],
    ['one of its claims is forgotten', ({ forgetClaim }) => forgetClaim('sub', 'alice'), ['forgotten']],
    ['the introspector closes', ({ close }) => close(), ['closed']],
  ])('calls the listener when %s', (_, end, expected) => {
    const events = createEvents();
    events.watch('digest', RECORD, events.listener);
    end(events);
    expect(events.reasons).toEqual(expected);
  });

  it('does not call the listener for other tokens, claims and users', () => {
    const { watch, forget, forgetClaim, reasons, listener } = createEvents();
    watch('digest', RECORD, listener);
    forget('other');
    forgetClaim('sub', 'bob');
    forgetClaim('sid', 'alice');
    expect(reasons).toEqual([]);
  });

  it('calls a listener once for each time it was added, and removes each separately, however often', () => {
    const { watch, forget, reasons, listener } = createEvents();
    const stops = [watch('digest', RECORD, listener), watch('digest', RECORD, listener)];
    forget('digest');
    expect(reasons).toHaveLength(2);
    stops[0]?.();
    stops[0]?.();
    forget('digest');
    expect(reasons).toHaveLength(3);
    stops[1]?.();
    forget('digest');
    expect(reasons).toHaveLength(3);
  });

  it('calls all listeners although one of them removes itself and the next', () => {
    const { watch, forget, reasons, listener } = createEvents();
    const stops: (() => void)[] = [];
    const stopAll = () => {
      for (const stop of stops) stop();
    };
    stops.push(watch('digest', RECORD, stopAll), watch('digest', RECORD, listener), watch('digest', RECORD, listener));
    forget('digest');
    expect(reasons).toHaveLength(2);
    forget('digest');
    expect(reasons).toHaveLength(2);
  });

  it('takes hundreds of listeners for one token without a warning', () => {
    const { watch, forget, reasons, listener } = createEvents();
    const warn = jest.spyOn(process, 'emitWarning');
    for (let count = 0; count < 500; count++) watch('digest', RECORD, listener);
    forget('digest');
    expect([reasons.length, warn.mock.calls]).toEqual([500, []]);
    warn.mockRestore();
  });
});
