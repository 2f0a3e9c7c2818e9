import { type StoreEvent, storeEvents } from '../../diagnostics/channels.js';

/**
 * Publishes an event on the store channel when a store begins to fail, and when it works again. The store counts as failing while any of
 * its parts fails.
 */
export interface StoreHealth {
  /**
   * Adds a part, such as reads, writes or the log.
   *
   * @returns a function. Call it with `true` when the part fails, and with `false` when the part works
   */
  part(): (isFailing: boolean) => void;
}

export function createStoreHealth(): StoreHealth {
  const failing = new Set<object>();
  return {
    part() {
      const part = {};
      return (isFailing) => {
        const before = failing.size;
        if (isFailing) failing.add(part);
        else failing.delete(part);
        if (before === 0 && failing.size > 0) publish('failing');
        if (before > 0 && failing.size === 0) publish('ok');
      };
    },
  };
}

function publish(state: StoreEvent['state']): void {
  const event: StoreEvent = { state };
  if (storeEvents.hasSubscribers) storeEvents.publish(event);
}
