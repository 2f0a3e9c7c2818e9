import type { ActiveRecord } from '../core/lookup.js';

/** Why a record may not be used any longer. `forgotten`: its token was invalidated. `closed`: the introspector was closed. */
export type InvalidationReason = 'forgotten' | 'closed';

/** Learns of the invalidation of one token. An object, because a closure for each token would take more memory. */
export interface InvalidationWatcher {
  /** Digest of the token. It does not change while the watcher is added. */
  readonly digest: string;
  /** The record of the token. Only later invalidations count. It does not change while the watcher is added. */
  readonly record: ActiveRecord;
  /** Called when the token is invalidated, in this process or in another, or when the introspector closes. May be called again. */
  onInvalidated(reason: InvalidationReason): void;
}
