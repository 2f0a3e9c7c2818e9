import { EventEmitter } from 'node:events';
import type { ActiveRecord } from '../core/lookup.js';
import { createInvalidationOrder, type InvalidationOrder } from './overtaken.js';
import { REVOCABLE_CLAIMS, type RevocableClaim, type Revocations } from './shared/revocations.js';

/** Why an answer cannot be relied on any longer: it was invalidated, or nobody is asked any more. */
export type InvalidationReason = 'forgotten' | 'closed';

/** For whoever relies on an answer for longer than a request takes. */
export interface InvalidationEvents {
  /**
   * Tells when the token of a record is forgotten, in this process or in another; returns how to stop that. For a noted record that
   * was asked for before its token was forgotten, it tells at once.
   */
  watch(key: string, record: ActiveRecord, tell: (ending: InvalidationReason) => void): () => void;
  /** Runs a lookup, and notes when it began. */
  readonly note: InvalidationOrder['note'];
  forget(key: string): void;
  forgetClaim(name: RevocableClaim, value: string): void;
  close(): void;
}

/** Contains no space, as the names of tokens and claims do. */
const CLOSING = 'closing';

/**
 * @param revocations of the whole fleet, where there is one
 * @param isCached whether the cache keeps this record now; an invalidation would have deleted it
 */
export function createInvalidationEvents(
  revocations: Pick<Revocations, 'watch'> | undefined,
  isCached: (key: string, record: ActiveRecord) => boolean,
): InvalidationEvents {
  const emitter = new EventEmitter().setMaxListeners(0);
  const overtaken = createInvalidationOrder();

  function forget(name: string): void {
    overtaken.forget(name);
    emitter.emit(name);
  }

  return {
    watch(key, record, tell) {
      const tellForgotten = () => tell('forgotten');
      const names = namesOf(key, record);
      if (!isCached(key, record) && overtaken.isInvalidated(record, names)) {
        tellForgotten();
        return () => {};
      }
      const tellClosed = () => tell('closed');
      for (const name of names) emitter.on(name, tellForgotten);
      emitter.on(CLOSING, tellClosed);
      const stop = revocations?.watch(key, record, tellForgotten);
      return () => {
        for (const name of names) emitter.off(name, tellForgotten);
        emitter.off(CLOSING, tellClosed);
        stop?.();
      };
    },
    note: overtaken.note,
    forget: (key) => forget(nameOf('token', key)),
    forgetClaim: (name, value) => forget(nameOf(name, value)),
    close: () => void emitter.emit(CLOSING),
  };
}

function nameOf(kind: 'token' | RevocableClaim, value: string): string {
  return `${kind} ${value}`;
}

/** All that the token of a record can be forgotten by. */
function namesOf(key: string, { claims }: ActiveRecord): string[] {
  const named = REVOCABLE_CLAIMS.flatMap((name) => {
    const value = claims[name];
    return typeof value === 'string' ? [nameOf(name, value)] : [];
  });
  return [nameOf('token', key), ...named];
}
