import type { ActiveRecord } from '../core/lookup.js';
import { type Decision, decisions, digestOf } from './channels.js';
import { type DebugContext, isDebugging, printDecision } from './debug.js';

/**
 * Publishes the decision that a request continues. With `NODE_DEBUG`, it also prints the decision. `record` is `undefined` for an anonymous
 * request.
 */
export function publishAccepted(
  outcome: 'accepted' | 'anonymous',
  by: string,
  digest: string | undefined,
  record: ActiveRecord | undefined,
  context?: DebugContext,
): void {
  if (decisions.hasSubscribers || isDebugging) {
    publish({ outcome, by, ...(record?.stale && { stale: true }) }, digest, context);
  }
}

/** Publishes the decision to respond with a rejection or an outage. With `NODE_DEBUG`, it also prints the decision. */
export function publishRejected(
  outcome: 'rejected' | 'outage',
  by: string,
  digest: string | undefined,
  failure: Required<Pick<Decision, 'status' | 'reason'>>,
  context?: DebugContext,
): void {
  if (decisions.hasSubscribers || isDebugging) publish({ outcome, by, ...failure }, digest, context);
}

function publish(decision: Decision, digest: string | undefined, context: DebugContext | undefined): void {
  const event = digest === undefined ? decision : { ...decision, tokenDigest: digestOf(digest) };
  if (isDebugging) printDecision(event, context);
  decisions.publish(event);
}
