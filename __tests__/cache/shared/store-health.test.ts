import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createStoreHealth } from '../../../lib/cache/shared/store-health.js';

const CHANNEL = 'express-token-introspection:store';

const states: unknown[] = [];
const listener = (message: unknown) => void states.push((message as { state: unknown }).state);

beforeEach(() => {
  states.splice(0);
  subscribe(CHANNEL, listener);
});
afterEach(() => unsubscribe(CHANNEL, listener));

describe('createStoreHealth', () => {
  it('publishes once that the store fails, and that it works once no part fails any more', () => {
    const health = createStoreHealth();
    const [reads, writes] = [health.part(), health.part()];
    reads(false);
    expect(states).toEqual([]);
    reads(true);
    writes(true);
    reads(true);
    expect(states).toEqual(['failing']);
    reads(false);
    expect(states).toEqual(['failing']);
    writes(false);
    writes(false);
    expect(states).toEqual(['failing', 'ok']);
  });

  it('publishes nothing without subscribers', () => {
    unsubscribe(CHANNEL, listener);
    createStoreHealth().part()(true);
    expect(states).toEqual([]);
  });
});
