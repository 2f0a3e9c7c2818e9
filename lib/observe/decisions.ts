import type { ActiveRecord } from '../types.js';
import { type Decision, decisions, digestOf } from './channels.js';

/** That a request goes on, on the strength of this record where there is one. */
export function publishPassage(
  outcome: 'accepted' | 'anonymous',
  by: string,
  key: string | undefined,
  record: ActiveRecord | undefined,
): void {
  if (decisions.hasSubscribers) publish({ outcome, by, ...(record?.stale && { stale: true }) }, key);
}

/** That a request does not go on. */
export function publishRefusal(
  outcome: 'rejected' | 'outage',
  by: string,
  key: string | undefined,
  why: Required<Pick<Decision, 'status' | 'reason'>>,
): void {
  if (decisions.hasSubscribers) publish({ outcome, by, ...why }, key);
}

function publish(decision: Decision, key: string | undefined): void {
  decisions.publish(key === undefined ? decision : { ...decision, tokenDigest: digestOf(key) });
}
