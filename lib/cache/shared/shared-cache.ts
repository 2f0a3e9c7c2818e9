import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, readClock } from '../../core/clock.js';
import { IntrospectionError } from '../../core/errors.js';
import { ANY_AGE, type Lookup, type LookupOptions, type TokenKey, type TokenRecord } from '../../core/lookup.js';
import { cacheEvents } from '../../diagnostics/channels.js';
import { type Lifetimes, lifetimeOf, timeLeft } from '../lifetimes.js';
import type { Revocations } from './revocations.js';
import { publish, type SharedEntries, type StoredRecord, type StoreReadOptions } from './shared-entries.js';

export interface SharedCacheSettings extends Lifetimes {
  readonly clock: Clock;
  readonly revocations: Revocations;
  /** Deadline of a request, in milliseconds. */
  readonly timeoutMs: number;
  /** Throws while the circuit breaker is open. No request takes a lease or waits for one then. */
  readonly assertCallAllowed: (isKnown: boolean) => void;
  readonly entries: SharedEntries;
}

/** A background refresh takes the response of another process when at least this share of its life is left. */
const REFRESHED_SHARE = 3 / 4;

/** How long a request waits for the process that holds the lease before it asks the endpoint too. */
const LEASE_WAIT_MS = 300;

/** A waiting request reads the store after 5 ms, then after ever longer pauses. */
const FIRST_PAUSE_MS = 5;
const PAUSE_GROWTH = 1.5;
const LONGEST_PAUSE_MS = 60;

/** A read that found a record. */
type UsableRead = StoredRecord & { readonly record: TokenRecord };

/**
 * Uses responses that other processes have stored, and stores its own for them. When several processes meet a token at the same time,
 * the one that gets the lease asks the endpoint and the others wait for its response.
 */
export function withSharedCache(inner: Lookup, settings: SharedCacheSettings): Lookup {
  const { entries, revocations, timeoutMs, assertCallAllowed, clock } = settings;
  const processName = randomBytes(9).toString('base64url');
  let leases = 0;

  async function lookup(tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const maySkipEndpoint = options.notBefore === ANY_AGE || options.background;
    // The store is read all the same, in parallel: its time dates the response, which is stored for the other processes.
    if (!maySkipEndpoint || !revocations.isCurrent()) return askEndpoint(tokenKey, options, entries.read(tokenKey));
    const breakerError = breakerErrorFor(options);
    const leaseId = breakerError === undefined ? `${processName}.${leases++}` : undefined;
    let stored = await entries.read(tokenKey, { leaseId });
    let except: Uint8Array | undefined;
    if (leaseId !== undefined && stored?.value !== undefined && !isUsable(tokenKey, stored, options)) {
      except = stored.value;
      stored = await entries.read(tokenKey, { leaseId, except });
    }
    if (isUsable(tokenKey, stored, options)) return takeStored(tokenKey, stored, leaseId);
    if (leaseId === undefined) throw breakerError;
    if (stored === undefined || stored.isLeased) {
      return askEndpoint(tokenKey, options, Promise.resolve(stored), leaseId);
    }
    return waitForLeaseHolder(tokenKey, options, stored, { leaseId, except });
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
    // The record was found under an older secret, and the read took the lease under the current one.
    if (stored.isLeased) entries.save(tokenKey, undefined, undefined, leaseId);
    if (cacheEvents.hasSubscribers) publish('shared', tokenKey);
    return stored.record;
  }

  /** Asks the endpoint, and stores the response afterwards. No request waits for that. */
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

  /** Waits for the process that holds the lease. After 0.3 seconds it asks the endpoint too, and takes what comes first. */
  async function waitForLeaseHolder(
    tokenKey: TokenKey,
    options: LookupOptions,
    firstRead: StoredRecord,
    { leaseId, except }: StoreReadOptions,
  ): Promise<TokenRecord> {
    const until = performance.now() + LEASE_WAIT_MS;
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
      const leftMs = timeoutMs - (clock.monotonic() - options.now.monotonic);
      const timer = setTimeout(() => end(() => reject(new IntrospectionError('timeout'))), Math.max(1, leftMs));
      // The introspection request gets the whole deadline, so that its timeout is a fault of the endpoint and not of this wait.
      askEndpoint(tokenKey, { ...options, now: readClock(clock) }, Promise.resolve(firstRead)).then(
        (record) => end(() => resolve(record)),
        (error) => end(() => reject(error)),
      );
      pollStore(tokenKey, options, { except }, () => isOver).then((stored) => {
        if (!isOver && isUsable(tokenKey, stored, options)) end(() => resolve(takeStored(tokenKey, stored)));
      });
    });
  }

  /** Reads until there is an entry or the lease. Returns `undefined` once `isOver` or when the store fails. */
  async function pollStore(
    tokenKey: TokenKey,
    options: LookupOptions,
    readOptions: StoreReadOptions,
    isOver: () => boolean,
  ): Promise<StoredRecord | undefined> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * PAUSE_GROWTH, LONGEST_PAUSE_MS)) {
      await pause(pauseMs);
      if (isOver()) return undefined;
      const stored = await entries.read(tokenKey, readOptions);
      if (stored === undefined || stored.isLeased || stored.value !== undefined) return stored;
      if (isUsable(tokenKey, stored, options)) return stored;
    }
  }

  /** The error of the circuit breaker if it is open; `undefined` if a call is allowed. */
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
