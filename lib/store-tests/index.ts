import type { CacheStore } from '../cache/shared/store.js';
import { ENTRY_TESTS } from './entries.js';
import { LEASE_TESTS } from './leases.js';
import { LOG_TESTS } from './log.js';
import { type FollowedLog, follow, until } from './test-context.js';

/** One test of a store. */
export interface StoreTest {
  /** A sentence whose subject is the store, such as `replaces an entry`. */
  readonly name: string;
  /** Runs the test with a new store from `create`, and closes the store. @throws AssertionError when the store fails the test */
  run(): Promise<void>;
}

/** A new store for one test, and a function that closes the store. The `create` function of `storeTests()` returns it. */
export interface StoreUnderTest {
  /** An empty store. */
  readonly store: CacheStore;
  /** Closes connections and releases everything else that must not outlive the test. */
  close(): unknown;
}

/** The options of `storeTests()`. */
export interface StoreTestOptions {
  /** Timeout of each condition that a test waits for, in milliseconds. Default: `5000`. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Returns the tests that every `cache.store` has to pass, for any test runner.
 *
 * `create` is called once for each test and returns an empty store. It may connect to the same server each time, with a new key prefix.
 *
 * The tests do not cover failures of the store. When a command fails, its promise should reject soon. When reading the log fails, the store
 * should retry by itself.
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
