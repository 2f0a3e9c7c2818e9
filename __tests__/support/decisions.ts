import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Decision } from '../../lib/index.js';

const CHANNEL = 'express-token-introspection:decision';

const listeners: ((message: unknown) => void)[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) unsubscribe(CHANNEL, listener);
});

/** Collects the published decisions in order, until the test ends. */
export function recordDecisions(): Decision[] {
  const decisions: Decision[] = [];
  const listener = (message: unknown) => void decisions.push(message as Decision);
  subscribe(CHANNEL, listener);
  listeners.push(listener);
  return decisions;
}
