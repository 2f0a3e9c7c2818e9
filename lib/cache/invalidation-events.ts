import { EventEmitter } from 'node:events';
import type { ActiveRecord } from '../core/lookup.js';
import { createInvalidationOrder, type InvalidationOrder } from './invalidation-order.js';
import { REVOCABLE_CLAIMS, type RevocableClaim, type Revocations } from './shared/revocations.js';

/** Why a record may not be used any longer. `forgotten`: the token of the record was invalidated. `closed`: the introspector was closed. */
export type InvalidationReason = 'forgotten' | 'closed';

/** Tells when tokens are invalidated. It is for everything that lives longer than a request, such as a WebSocket. */
export interface InvalidationEvents {
  /**
   * Calls the listener when the token of a record is invalidated, in this process or in another, or when the introspector closes.
   * Calls the listener at once if {@link InvalidationEvents.isInvalidated} is true for the record and the cache does not hold the record.
   * One invalidation may call the listener more than once.
   *
   * @returns a function that removes the listener
   */
  watch(digest: string, record: ActiveRecord, listener: (reason: InvalidationReason) => void): () => void;
  /**
   * Whether this process invalidated the token of a record after the lookup of the record began. Always `false` for a record whose lookup
   * was not run by `note`.
   */
  isInvalidated(digest: string, record: ActiveRecord): boolean;
  /**
   * Runs a lookup and resolves to its record. Remembers how many invalidations came before the lookup began, for
   * {@link InvalidationEvents.isInvalidated}.
   */
  readonly note: InvalidationOrder['track'];
  forget(digest: string): void;
  forgetClaim(name: RevocableClaim, value: string): void;
  close(): void;
}

/**
 * Name of the event that is emitted when the introspector closes. No other event has this name, because the names from `nameOf` contain a
 * space.
 */
const CLOSED = 'closed';

/**
 * @param revocations revocations by all processes that share a store; `undefined` without a shared cache
 * @param isCached tells whether the cache holds exactly this record object. Such a record is not invalidated, because an invalidation
 * removes it from the cache. The order of invalidations may say otherwise, because it drops old names
 */
export function createInvalidationEvents(
  revocations: Pick<Revocations, 'watch'> | undefined,
  isCached: (digest: string, record: ActiveRecord) => boolean,
): InvalidationEvents {
  const emitter = new EventEmitter().setMaxListeners(0);
  const order = createInvalidationOrder();

  function invalidate(name: string): void {
    order.invalidate(name);
    emitter.emit(name);
  }

  return {
    watch(digest, record, listener) {
      const onForgotten = () => listener('forgotten');
      const onClosed = () => listener('closed');
      const names = namesOf(digest, record);
      if (!isCached(digest, record) && order.isInvalidated(record, names)) {
        onForgotten();
        return () => {};
      }
      for (const name of names) emitter.on(name, onForgotten);
      emitter.on(CLOSED, onClosed);
      const unwatch = revocations?.watch(digest, record, onForgotten);
      return () => {
        for (const name of names) emitter.off(name, onForgotten);
        emitter.off(CLOSED, onClosed);
        unwatch?.();
      };
    },
    isInvalidated: (digest, record) => order.isInvalidated(record, namesOf(digest, record)),
    note: order.track,
    forget: (digest) => invalidate(nameOf('token', digest)),
    forgetClaim: (name, value) => invalidate(nameOf(name, value)),
    close: () => void emitter.emit(CLOSED),
  };
}

function nameOf(kind: 'token' | RevocableClaim, value: string): string {
  return `${kind} ${value}`;
}

/**
 * Returns the names of all events that mean that the token of a record was invalidated: one for the token, and one for each of its
 * revocable claims.
 */
function namesOf(digest: string, { claims }: ActiveRecord): string[] {
  const claimNames = REVOCABLE_CLAIMS.flatMap((name) => {
    const value = claims[name];
    return typeof value === 'string' ? [nameOf(name, value)] : [];
  });
  return [nameOf('token', digest), ...claimNames];
}
