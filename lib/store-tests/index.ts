import type { CacheStore } from '../cache/shared/store.js';
import { ENTRY_TESTS } from './entries.js';
import { LEASE_TESTS } from './leases.js';
import { LOG_TESTS } from './log.js';
import { type Following, follow, until } from './test-context.js';

/** One thing that a store has to do. */
export interface StoreTest {
  /** A sentence. */
  readonly name: string;
  /** Over a store of its own. @throws AssertionError */
  run(): Promise<void>;
}

/** A store for one test. */
export interface StoreUnderTest {
  /** With nothing in it. */
  readonly store: CacheStore;
  /** Ends connections and whatever else a test must not leave behind. */
  close(): unknown;
}

/** What `storeTests()` takes besides. */
export interface StoreTestOptions {
  /** How long something is waited for that has to happen, in milliseconds. Default 5000. */
  readonly patienceMs?: number | undefined;
}

/**
 * What every `cache.store` has to do, for those who write one, in any test runner. `create` is called once for each test, and must
 * bring a store with nothing in it: a prefix of its own will do.
 *
 * Not tested: what it does in trouble. It should fail then, soon; and its log should go on by itself later.
 *
 * @example
 * for (const { name, run } of storeTests(createMyStore)) test(name, run);
 */
export function storeTests(
  create: () => Promise<StoreUnderTest> | StoreUnderTest,
  { patienceMs = 5000 }: StoreTestOptions = {},
): readonly StoreTest[] {
  return Object.entries({ ...ENTRY_TESTS, ...LEASE_TESTS, ...LOG_TESTS }).map(([name, test]) => ({
    name,
    async run() {
      const { store, close } = await create();
      const followings: Following[] = [];
      try {
        await test(store, {
          follow() {
            const following = follow(store);
            followings.push(following);
            return following;
          },
          until: (what, condition) => until(what, condition, patienceMs),
        });
      } finally {
        await Promise.all(followings.map(({ stop }) => stop()));
        await close();
      }
    },
  }));
}
