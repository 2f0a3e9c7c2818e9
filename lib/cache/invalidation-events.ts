import type { ActiveRecord } from '../core/lookup.js';
import { createInvalidationOrder, type InvalidationOrder } from './invalidation-order.js';
import type { InvalidationWatcher } from './invalidation-watcher.js';
import { createNamedListeners, type NamedListeners } from './named-listeners.js';
import { REVOCABLE_CLAIMS, type RevocableClaim, type Revocations } from './shared/revocations.js';

/** Tells when tokens are invalidated. It is for everything that lives longer than a request, such as a WebSocket. */
export interface InvalidationEvents {
  /**
   * Adds a watcher, and returns `true`. There is one exception: if {@link InvalidationEvents.isInvalidated} is true for the watcher's
   * record, and the cache does not hold this record, returns `false` and adds nothing.
   */
  watch(watcher: InvalidationWatcher): boolean;
  /** Removes a watcher, which is not called any more. */
  unwatch(watcher: InvalidationWatcher): void;
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

type Kind = 'token' | RevocableClaim;

const KINDS: readonly Kind[] = ['token', ...REVOCABLE_CLAIMS];

/**
 * @param revocations revocations by all processes that share a store; `undefined` without a shared cache
 * @param isCached tells whether the cache holds exactly this record object. Such a record is not invalidated, because an invalidation
 * removes it from the cache. For other records, `isInvalidated` decides. It remembers only a limited number of invalidations, so it may
 * call a valid record invalidated
 */
export function createInvalidationEvents(
  revocations: Pick<Revocations, 'watch' | 'unwatch'> | undefined,
  isCached: (digest: string, record: ActiveRecord) => boolean,
): InvalidationEvents {
  const byKind: Readonly<Record<Kind, NamedListeners<InvalidationWatcher>>> = {
    token: createNamedListeners(),
    sub: createNamedListeners(),
    sid: createNamedListeners(),
    client_id: createNamedListeners(),
    jti: createNamedListeners(),
  };
  const order = createInvalidationOrder();

  function invalidate(kind: Kind, value: string): void {
    order.invalidate(nameOf(kind, value));
    for (const watcher of byKind[kind].of(value)) watcher.onInvalidated('forgotten');
  }

  return {
    watch(watcher) {
      const { digest, record } = watcher;
      if (!isCached(digest, record) && order.isInvalidated(record, namesOf(digest, record))) return false;
      for (const [kind, value] of valuesOf(digest, record)) byKind[kind].add(value, watcher);
      revocations?.watch(watcher);
      return true;
    },
    unwatch(watcher) {
      const { digest, record } = watcher;
      for (const [kind, value] of valuesOf(digest, record)) byKind[kind].remove(value, watcher);
      revocations?.unwatch(watcher);
    },
    isInvalidated: (digest, record) => order.isInvalidated(record, namesOf(digest, record)),
    note: order.track,
    forget: (digest) => invalidate('token', digest),
    forgetClaim: invalidate,
    close() {
      for (const watcher of byKind.token.all()) watcher.onInvalidated('closed');
    },
  };
}

function nameOf(kind: Kind, value: string): string {
  return `${kind} ${value}`;
}

/**
 * Returns the names of a record for the order of invalidations: one for its token, and one for each of its revocable claims. An
 * invalidation of one of these names invalidates the record.
 */
function namesOf(digest: string, record: ActiveRecord): string[] {
  return valuesOf(digest, record).map(([kind, value]) => nameOf(kind, value));
}

/** Returns the values by which the token of a record can be invalidated: its digest, and the values of its revocable claims. */
function valuesOf(digest: string, { claims }: ActiveRecord): (readonly [kind: Kind, value: string])[] {
  return KINDS.flatMap((kind) => {
    const value = kind === 'token' ? digest : claims[kind];
    return typeof value === 'string' ? [[kind, value] as const] : [];
  });
}
