import type { CacheStore } from '../cache/shared/store.js';
import { ENTRY_TESTS } from './entries.js';
import { LEASE_TESTS } from './leases.js';
import { LOG_TESTS } from './log.js';
import { type FollowedLog, follow, until } from './test-context.js';

/** One test of a store. */
export interface StoreTest {
  /** Name of the test: a sentence whose subject is the store, such as `replaces an entry`. */
  readonly name: string;
  /**
   * Runs the test with a new store from `create`, and then closes the store.
   *
   * @throws AssertionError when the store fails the test
   */
  run(): Promise<void>;
}

/**
 * A new store for one test, and a function that closes the store. The function `create`, which you pass to `storeTests()`, returns this
 * object.
 */
export interface StoreUnderTest {
  /** An empty store. */
  readonly store: CacheStore;
  /** Closes connections and releases everything else that must not outlive the test. */
  close(): unknown;
}

/** The options of `storeTests()`. */
export interface StoreTestOptions {
  /** How long a test waits for each of its conditions, in milliseconds. After this time, the test fails. Default: `5000`. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Returns the tests that every store for the option `cache.store` must pass. They can run in any test runner.
 *
 * `create` is called once for each test, and must return an empty store. Each store may connect to the same server, with a new key prefix.
 *
 * The tests do not cover failures of the store's server. When a command fails, the store should reject the promise soon. When reading the
 * log fails, the store should try again by itself.
 *
 * @example
 * for (const { name, run } of storeTests(createMyStore)) test(name, run);
 */
export function storeTests(
  create: () => Promise<StoreUnderTest> | StoreUnderTest,
  { timeoutMs = 5000 }: StoreTestOptions = {},
): readonly StoreTest[] {
  return Object.entries({ ...ENTRY_TESTS, ...LEASE_TESTS, ...LOG_TESTS }).map(([name, test]) => ({
    name,
    async run() {
      const { store, close } = await create();
      const followedLogs: FollowedLog[] = [];
      try {
        await test(store, {
          follow() {
            const followedLog = follow(store);
            followedLogs.push(followedLog);
            return followedLog;
          },
          until: (expected, condition) => until(expected, condition, timeoutMs),
        });
      } finally {
        await Promise.all(followedLogs.map(({ stop }) => stop()));
        await close();
      }
    },
  }));
}
