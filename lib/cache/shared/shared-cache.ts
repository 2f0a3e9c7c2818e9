import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, readClock } from '../../core/clock.js';
import { IntrospectionError } from '../../core/errors.js';
import { ANY_AGE, type Lookup, type LookupOptions, type TokenKey, type TokenRecord } from '../../core/lookup.js';
import { cacheEvents } from '../../diagnostics/channels.js';
import { type Lifetimes, lifetimeOf, timeLeft } from '../lifetimes.js';
import type { Revocations } from './revocations.js';
import { publish, type SharedEntries, type StoreLookup, type StoreLookupOptions } from './shared-entries.js';

export interface SharedCacheSettings extends Lifetimes {
  readonly clock: Clock;
  readonly revocations: Revocations;
  /** The deadline of a request. */
  readonly timeoutMs: number;
  /** Throws while the circuit breaker is open. Then nobody waits for a lease. */
  readonly assertCallAllowed: (isKnown: boolean) => void;
  readonly entries: SharedEntries;
}

/** The share of its life that a response must have left to count as just renewed by another process. */
const RENEWED_SHARE = 3 / 4;

/** How long a request waits for the process that has the lease before it asks for itself. */
const PATIENCE_MS = 300;

/** How often a request that waits looks into the store: after 5 ms, then after ever longer pauses. */
const FIRST_PAUSE_MS = 5;
const PAUSE_GROWTH = 1.5;
const LONGEST_PAUSE_MS = 60;

/** Takes a response that another process has asked for, and keeps its own for the others. */
export function withSharedCache(inner: Lookup, settings: SharedCacheSettings): Lookup {
  const { entries, revocations, timeoutMs, assertCallAllowed, clock } = settings;
  const name = randomBytes(9).toString('base64url');
  let leases = 0;

  async function lookup(tokenKey: TokenKey, freshness: LookupOptions): Promise<TokenRecord> {
    const mayShare = freshness.notBefore === ANY_AGE || freshness.background;
    // The store is read all the same, side by side: its time dates the response, which is kept for the others.
    if (!mayShare || !revocations.isCurrent()) return ask(tokenKey, freshness, entries.read(tokenKey));
    const refusal = refusalOf(freshness);
    const leaseId = refusal === undefined ? `${name}.${leases++}` : undefined;
    let found = await entries.read(tokenKey, { leaseId });
    let except: Uint8Array | undefined;
    if (leaseId !== undefined && found?.value !== undefined && !isUsable(tokenKey, found, freshness)) {
      except = found.value;
      found = await entries.read(tokenKey, { leaseId, except });
    }
    if (isUsable(tokenKey, found, freshness)) return take(tokenKey, found, leaseId);
    if (leaseId === undefined) throw refusal;
    if (found === undefined || found.isLeased) return ask(tokenKey, freshness, Promise.resolve(found), leaseId);
    return waitForOther(tokenKey, freshness, found, { leaseId, except });
  }

  function isUsable(
    tokenKey: TokenKey,
    found: StoreLookup | undefined,
    { background }: LookupOptions,
  ): found is StoreLookup & { readonly record: TokenRecord } {
    const now = readClock(clock);
    if (found?.record === undefined || !revocations.allows(tokenKey.digest, found.record, now)) return false;
    const lifetime = lifetimeOf(found.record, settings);
    return timeLeft(found.record, lifetime, now) > (background ? lifetime * RENEWED_SHARE : 0);
  }

  function take(
    tokenKey: TokenKey,
    found: StoreLookup & { readonly record: TokenRecord },
    leaseId?: string,
  ): TokenRecord {
    // An entry under an older secret leaves a lease that nobody needs.
    if (found.isLeased) entries.save(tokenKey, undefined, undefined, leaseId);
    if (cacheEvents.hasSubscribers) publish('shared', tokenKey);
    return found.record;
  }

  /** Asks the endpoint. Nobody waits until the response is kept. */
  async function ask(
    tokenKey: TokenKey,
    freshness: LookupOptions,
    looking: Promise<StoreLookup | undefined>,
    leaseId?: string,
  ): Promise<TokenRecord> {
    const mark = revocations.position();
    let kept: TokenRecord | undefined;
    try {
      const record: TokenRecord = { ...(await inner(tokenKey, freshness)), logPosition: mark };
      if (!revocations.revokes(tokenKey.digest, record)) kept = record;
      return record;
    } finally {
      looking.then((found) => entries.save(tokenKey, kept, found, leaseId)).catch(() => {});
    }
  }

  /** Waits for the process that has the lease. After a while it asks too, goes on looking, and takes what comes first. */
  async function waitForOther(
    tokenKey: TokenKey,
    freshness: LookupOptions,
    before: StoreLookup,
    { leaseId, except }: StoreLookupOptions,
  ): Promise<TokenRecord> {
    const until = performance.now() + PATIENCE_MS;
    // Nor does anybody wait on once the breaker has opened.
    const isOver = () => performance.now() >= until || refusalOf(freshness) !== undefined;
    const found = await keepLooking(tokenKey, freshness, { leaseId, except }, isOver);
    if (isUsable(tokenKey, found, freshness)) return take(tokenKey, found, leaseId);
    if (found === undefined) return askBeside(tokenKey, freshness, before, except);
    return ask(tokenKey, freshness, Promise.resolve(found), found.isLeased ? leaseId : undefined);
  }

  function askBeside(
    tokenKey: TokenKey,
    freshness: LookupOptions,
    before: StoreLookup,
    except: Uint8Array | undefined,
  ): Promise<TokenRecord> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (settle: () => void) => {
        isOver = true;
        clearTimeout(timer);
        settle();
      };
      const leftMs = timeoutMs - (clock.monotonic() - freshness.now.monotonic);
      const timer = setTimeout(() => end(() => reject(new IntrospectionError('timeout'))), Math.max(1, leftMs));
      // The tokenKey has its whole time, so that a timeout says something about the endpoint and nothing about this wait.
      ask(tokenKey, { ...freshness, now: readClock(clock) }, Promise.resolve(before)).then(
        (record) => end(() => resolve(record)),
        (error) => end(() => reject(error)),
      );
      keepLooking(tokenKey, freshness, { except }, () => isOver).then((found) => {
        if (!isOver && isUsable(tokenKey, found, freshness)) end(() => resolve(take(tokenKey, found)));
      });
    });
  }

  /** Looks again and again, until something has come; `undefined` once the time is over or the store fails. */
  async function keepLooking(
    tokenKey: TokenKey,
    freshness: LookupOptions,
    options: StoreLookupOptions,
    isOver: () => boolean,
  ): Promise<StoreLookup | undefined> {
    for (let ms = FIRST_PAUSE_MS; ; ms = Math.min(ms * PAUSE_GROWTH, LONGEST_PAUSE_MS)) {
      await pause(ms);
      if (isOver()) return undefined;
      const found = await entries.read(tokenKey, options);
      if (found === undefined || found.isLeased || found.value !== undefined) return found;
      if (isUsable(tokenKey, found, freshness)) return found;
    }
  }

  /** Why the circuit breaker would refuse a tokenKey now. */
  function refusalOf({ isKnown }: LookupOptions): unknown {
    try {
      assertCallAllowed(isKnown);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  return lookup;
}
