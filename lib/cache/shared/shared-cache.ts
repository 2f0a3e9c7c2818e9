import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, readClock } from '../../core/clock.js';
import { IntrospectionError } from '../../core/errors.js';
import { ANY_AGE, type Lookup, type LookupOptions, type TokenKey, type TokenRecord } from '../../core/lookup.js';
import { requestTimeLeft } from '../../core/timeout.js';
import { cacheEvents } from '../../diagnostics/channels.js';
import { type Lifetimes, lifetimeOf, timeLeft } from '../record-lifetimes.js';
import type { Revocations } from './revocations.js';
import { publish, type SharedEntries, type StoredRecord, type StoreReadOptions } from './shared-entries.js';

export interface SharedCacheSettings extends Lifetimes {
  readonly clock: Clock;
  readonly revocations: Revocations;
  /** Time limit of a request, in milliseconds since it arrived. */
  readonly timeoutMs: number;
  /**
   * Throws while the circuit breaker allows no call to the endpoint. In that case a request takes no lease, and does not wait for the
   * process that holds the lease. A lease is the right of one process to ask the endpoint about a token.
   */
  readonly assertCallAllowed: (isKnown: boolean) => void;
  readonly entries: SharedEntries;
}

/**
 * A background lookup uses a stored response only if more than this share of the lifetime of the response is left. If less is left,
 * the background lookup asks the endpoint.
 */
const REFRESHED_SHARE = 3 / 4;

/**
 * How long a request waits while another process holds the lease of the token and asks the endpoint, in milliseconds. After this time, the
 * request asks the endpoint too. It waits at most for {@link LEASE_WAIT_SHARE} of the time that it has left.
 */
const LEASE_WAIT_MS = 300;
const LEASE_WAIT_SHARE = 1 / 2;

/** A request that waits for the response of another process reads the store for the first time after this pause, in milliseconds. */
const FIRST_PAUSE_MS = 5;

/** Each further pause between two reads of the store is this many times as long as the pause before it. */
const PAUSE_GROWTH = 1.5;

/** Longest pause between two reads of the store, in milliseconds. */
const LONGEST_PAUSE_MS = 60;

/** Result of a read from the store that found a record which may be used. */
type UsableRead = StoredRecord & { readonly record: TokenRecord };

/**
 * Wraps `inner`, a lookup at the endpoint. The returned lookup uses responses that other processes have stored, and stores the responses of
 * this process for the other processes. When several processes look up a token at the same time, one of them gets the lease of the token in
 * the store, and asks the endpoint. The other processes wait for its response. After 0.3 seconds, they ask the endpoint too.
 */
export function withSharedCache(inner: Lookup, settings: SharedCacheSettings): Lookup {
  const { entries, revocations, timeoutMs, assertCallAllowed, clock } = settings;
  const processName = randomBytes(9).toString('base64url');
  let leases = 0;

  async function lookup(tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const maySkipEndpoint = options.notBefore === ANY_AGE || options.background;
    // The store is read in parallel, although its entry is not used. The reply tells the time of the store, which dates the new response
    // for the other processes.
    if (!maySkipEndpoint || !revocations.isCurrent()) return askEndpoint(tokenKey, options, entries.read(tokenKey));
    const breakerError = breakerErrorFor(options);
    const leaseId = breakerError === undefined ? `${processName}.${leases++}` : undefined;
    let stored = await readInTime(tokenKey, options, { leaseId });
    let except: Uint8Array | undefined;
    if (leaseId !== undefined && stored?.value !== undefined && !isUsable(tokenKey, stored, options)) {
      except = stored.value;
      stored = await readInTime(tokenKey, options, { leaseId, except });
    }
    if (isUsable(tokenKey, stored, options)) return takeStored(tokenKey, stored, leaseId);
    if (leaseId === undefined) throw breakerError;
    if (stored === undefined || stored.isLeased) {
      return askEndpoint(tokenKey, options, Promise.resolve(stored), leaseId);
    }
    return waitForLeaseHolder(tokenKey, options, stored, { leaseId, except });
  }

  /**
   * Reads the store, and waits for the reply until the time limit of the request. If the reply comes later, the lease that it took is
   * released.
   *
   * @throws IntrospectionError `timeout`
   */
  function readInTime(
    tokenKey: TokenKey,
    options: LookupOptions,
    readOptions: StoreReadOptions,
  ): Promise<StoredRecord | undefined> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const timer = setTimeout(
        () => {
          isLate = true;
          reject(new IntrospectionError('timeout'));
        },
        requestTimeLeft(timeoutMs, options.now, clock),
      );
      entries.read(tokenKey, readOptions).then((stored) => {
        clearTimeout(timer);
        if (isLate && stored?.isLeased) entries.save(tokenKey, undefined, undefined, readOptions.leaseId);
        resolve(stored);
      });
    });
  }

  function isUsable(
    tokenKey: TokenKey,
    stored: StoredRecord | undefined,
    { background }: LookupOptions,
  ): stored is UsableRead {
    const now = readClock(clock);
    if (stored?.record === undefined || !revocations.allows(tokenKey.digest, stored.record, now)) return false;
    const lifetimeMs = lifetimeOf(stored.record, settings);
    return timeLeft(stored.record, lifetimeMs, now) > (background ? lifetimeMs * REFRESHED_SHARE : 0);
  }

  function takeStored(tokenKey: TokenKey, stored: UsableRead, leaseId?: string): TokenRecord {
    // The record was found under an older secret, but the read took the lease under the current one. So the lease is released.
    if (stored.isLeased) entries.save(tokenKey, undefined, undefined, leaseId);
    if (cacheEvents.hasSubscribers) publish('shared', tokenKey);
    return stored.record;
  }

  /**
   * Asks the endpoint, and returns its response. Afterwards stores the response, unless it was revoked meanwhile. Also releases the lease
   * that `leaseId` holds, even if the endpoint has failed. Then another process may ask the endpoint about the token. The caller gets the
   * response without waiting for the store.
   */
  async function askEndpoint(
    tokenKey: TokenKey,
    options: LookupOptions,
    reading: Promise<StoredRecord | undefined>,
    leaseId?: string,
  ): Promise<TokenRecord> {
    const logPosition = revocations.position();
    let recordToStore: TokenRecord | undefined;
    try {
      const record: TokenRecord = { ...(await inner(tokenKey, options)), logPosition };
      if (!revocations.revokes(tokenKey.digest, record)) recordToStore = record;
      return record;
    } finally {
      reading.then((stored) => entries.save(tokenKey, recordToStore, stored, leaseId)).catch(() => {});
    }
  }

  /**
   * Another process holds the lease of the token, and is asking the endpoint. Waits for the response of that process, for up to 0.3
   * seconds or until the circuit breaker opens. Then asks the endpoint too, and takes the response that comes first.
   */
  async function waitForLeaseHolder(
    tokenKey: TokenKey,
    options: LookupOptions,
    firstRead: StoredRecord,
    { leaseId, except }: StoreReadOptions,
  ): Promise<TokenRecord> {
    const until =
      performance.now() + Math.min(LEASE_WAIT_MS, requestTimeLeft(timeoutMs, options.now, clock) * LEASE_WAIT_SHARE);
    // The wait also ends when the circuit breaker opens.
    const isOver = () => performance.now() >= until || breakerErrorFor(options) !== undefined;
    const stored = await pollStore(tokenKey, options, { leaseId, except }, isOver);
    if (isUsable(tokenKey, stored, options)) return takeStored(tokenKey, stored, leaseId);
    if (stored === undefined) return askEndpointAndPoll(tokenKey, options, firstRead, except);
    return askEndpoint(tokenKey, options, Promise.resolve(stored), stored.isLeased ? leaseId : undefined);
  }

  function askEndpointAndPoll(
    tokenKey: TokenKey,
    options: LookupOptions,
    firstRead: StoredRecord,
    except: Uint8Array | undefined,
  ): Promise<TokenRecord> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (settle: () => void) => {
        isOver = true;
        clearTimeout(timer);
        settle();
      };
      const timer = setTimeout(
        () => end(() => reject(new IntrospectionError('timeout'))),
        requestTimeLeft(timeoutMs, options.now, clock),
      );
      // The introspection request gets the whole time limit, without the time of the wait. So if it times out, the cause is the endpoint
      // and not the wait.
      askEndpoint(tokenKey, { ...options, now: readClock(clock) }, Promise.resolve(firstRead)).then(
        (record) => end(() => resolve(record)),
        (error) => end(() => reject(error)),
      );
      pollStore(tokenKey, options, { except }, () => isOver)
        .then((stored) => {
          if (!isOver && isUsable(tokenKey, stored, options)) end(() => resolve(takeStored(tokenKey, stored)));
        })
        // The same time limit has ended the request already.
        .catch(() => {});
    });
  }

  /**
   * Reads the store again and again, until a read returns an entry, or takes the lease of the token so that this process must ask the
   * endpoint. Resolves to `undefined` when `isOver()` is true or the store fails.
   *
   * @throws IntrospectionError `timeout`
   */
  async function pollStore(
    tokenKey: TokenKey,
    options: LookupOptions,
    readOptions: StoreReadOptions,
    isOver: () => boolean,
  ): Promise<StoredRecord | undefined> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * PAUSE_GROWTH, LONGEST_PAUSE_MS)) {
      await pause(pauseMs);
      if (isOver()) return undefined;
      const stored = await readInTime(tokenKey, options, readOptions);
      if (stored === undefined || stored.isLeased || stored.value !== undefined) return stored;
      if (isUsable(tokenKey, stored, options)) return stored;
    }
  }

  /** Returns the error of the circuit breaker if it allows no call to the endpoint; `undefined` if it allows a call. */
  function breakerErrorFor({ isKnown }: LookupOptions): unknown {
    try {
      assertCallAllowed(isKnown);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  return lookup;
}
