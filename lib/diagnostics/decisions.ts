import type { ActiveRecord } from '../core/lookup.js';
import { type Decision, decisions, digestOf } from './channels.js';
import { type DebugContext, isDebugging, printDecision } from './debug.js';

/** Publishes that a request continues. `record` is absent for an anonymous request. */
export function publishPassage(
  outcome: 'accepted' | 'anonymous',
  by: string,
  key: string | undefined,
  record: ActiveRecord | undefined,
  context?: DebugContext,
): void {
  if (decisions.hasSubscribers || isDebugging) {
    publish({ outcome, by, ...(record?.stale && { stale: true }) }, key, context);
  }
}

/** Publishes that a request does not continue. */
export function publishRefusal(
  outcome: 'rejected' | 'outage',
  by: string,
  key: string | undefined,
  why: Required<Pick<Decision, 'status' | 'reason'>>,
  context?: DebugContext,
): void {
  if (decisions.hasSubscribers || isDebugging) publish({ outcome, by, ...why }, key, context);
}

function publish(made: Decision, key: string | undefined, context: DebugContext | undefined): void {
  const decision = key === undefined ? made : { ...made, tokenDigest: digestOf(key) };
  if (isDebugging) printDecision(decision, context);
  decisions.publish(decision);
}
