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

it('tells once that the store fails, and that it is ok only when nothing of it fails any more', () => {
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

it('is told by nobody when nobody listens', () => {
  unsubscribe(CHANNEL, listener);
  createStoreHealth().part()(true);
  expect(states).toEqual([]);
});
