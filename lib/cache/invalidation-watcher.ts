import type { ActiveRecord } from '../core/lookup.js';

/** Why a record may not be used any longer. `forgotten`: the token of the record was invalidated. `closed`: the introspector was closed. */
export type InvalidationReason = 'forgotten' | 'closed';

/** Is told when one token is invalidated. It is an object and not a function, because a closure for each token would take more memory. */
export interface InvalidationWatcher {
  /** Digest of the token. It must not change from `watch()` to `unwatch()`. */
  readonly digest: string;
  /**
   * The record of the token. Only invalidations after the lookup of this record began count. The member must not change from `watch()` to
   * `unwatch()`.
   */
  readonly record: ActiveRecord;
  /**
   * Is called when the token is invalidated, in this process or in another, or when the introspector closes. One invalidation may call it
   * more than once.
   */
  onInvalidated(reason: InvalidationReason): void;
}
