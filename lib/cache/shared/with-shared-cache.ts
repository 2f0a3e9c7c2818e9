import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type CacheEvent, cacheEvents, digestOf } from '../../observe/channels.js';
import {
  ANY_AGE,
  type Clock,
  type Freshness,
  type Instant,
  type Lookup,
  type Question,
  readClock,
  type TokenRecord,
} from '../../types.js';
import { type Lifetimes, lifetimeOf, timeLeft } from '../policy.js';
import { askedAtOf, type Entry, entryOf } from './entry.js';
import { createRest } from './rest.js';
import type { Revocations } from './revocations.js';
import type { Seal } from './seal.js';
import type { CacheStore, SetOptions, StoredValue } from './store.js';

export interface SharedCacheSettings extends Lifetimes {
  readonly store: CacheStore;
  readonly seal: Seal;
  readonly revocations: Revocations;
  /** The deadline of a request, of which half may be spent on waiting for another process. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Makes a record of what was kept, or throws. */
  readonly restore: (members: unknown, asked: Instant) => TokenRecord;
}

/** Of its life, what an answer still has to have that another process has just renewed. */
const RENEWED_SHARE = 3 / 4;

/** How long one process may keep the others waiting for its answer, and how often they look: after 5, 10, … 160 ms. */
const LEASE_MS = 1000;
const FIRST_WAIT_MS = 5;
const LAST_WAIT_MS = 160;

/** The first byte of what an invalidation leaves; no entry begins so. */
const TOMBSTONE = 0;

/** How long an answer under way when a token was invalidated is kept from being written. */
const TOMBSTONE_MS = 120_000;

interface Found extends StoredValue {
  readonly key: string;
  /** Before the store was asked for it: what it had left then counts from there. */
  readonly readAt: Instant;
}

export interface SharedCache {
  readonly lookup: Lookup;
  /** What the store keeps about a token, whether or not it may still be used. */
  peek(token: Pick<Question, 'token' | 'key'>): Promise<TokenRecord | undefined>;
  /** Forgets a token everywhere. */
  forget(question: Pick<Question, 'key'>): Promise<void>;
}

/** What another process has asked for already; what this one asks for is kept for the others. */
export function withSharedCache(inner: Lookup, settings: SharedCacheSettings): SharedCache {
  const { store, seal, revocations, timeoutMs, clock, restore } = settings;
  // A store may take reads and no writes, being full or a replica.
  const [reads, writes] = [createRest(clock), createRest(clock)];

  const lookup: Lookup = async (question, freshness) => {
    const [key = ''] = seal.keysOf(question);
    let found = await find(question);
    let record = found && usable(question, found, freshness);
    let isLeased: boolean | undefined;
    if (record === undefined && (freshness.askedSince === ANY_AGE || freshness.background)) {
      const before = found?.value;
      const until = freshness.now.monotonic + timeoutMs / 2;
      isLeased = await lease(key);
      for (let waitMs = FIRST_WAIT_MS; isLeased === false; waitMs = Math.min(waitMs * 2, LAST_WAIT_MS)) {
        if (clock.monotonic() + waitMs > until) break;
        await setTimeout(waitMs);
        found = await find(question);
        record = found && usable(question, found, freshness);
        // What has come but cannot be used here is waited for no longer; what has not may be given up by whoever was to ask.
        if (record !== undefined || !isSame(found?.value, before)) break;
        isLeased = await lease(key);
      }
    }
    if (record !== undefined) {
      if (cacheEvents.hasSubscribers) publish('shared', question);
      return record;
    }
    return ask(question, freshness, key, found?.key === key ? found.value : 'absent', isLeased === true);
  };

  async function ask(
    question: Question,
    freshness: Freshness,
    key: string,
    expected: SetOptions['expected'],
    isLeased: boolean,
  ): Promise<TokenRecord> {
    const mark = revocations.position();
    let kept: Promise<unknown> = Promise.resolve();
    try {
      const record: TokenRecord = { ...(await inner(question, freshness)), mark };
      // Nobody waits for it.
      if (!revocations.revokes(question.key, record)) kept = keep(question, key, record, expected);
      return record;
    } finally {
      // What cannot be written, such as a claim that is no JSON, is not shared.
      kept.catch(() => {}).then(() => (isLeased ? release(key) : undefined));
    }
  }

  /**
   * Whether it is for us to ask: whoever is first does, and the others wait a moment for what it brings. `undefined` where that
   * cannot be told: then everyone asks.
   */
  function lease(key: string): Promise<boolean | undefined> {
    return writes.attempt(() => store.set(leaseOf(key), Buffer.of(1), { ttlMs: LEASE_MS, expected: 'absent' }));
  }

  function release(key: string): Promise<unknown> {
    return writes.attempt(() => store.set(leaseOf(key), Buffer.of(0), { ttlMs: 1, expected: 'any' }));
  }

  /** Under the first key that has something: there are several only while secrets are changed. */
  async function find(question: Pick<Question, 'key'>): Promise<Found | undefined> {
    const readAt = readClock(clock);
    const all = await reads.attempt(() =>
      Promise.all(seal.keysOf(question).map(async (key) => ({ ...(await store.get(key)), key, readAt }))),
    );
    return all?.find((each): each is Found => Boolean(each.value));
  }

  function usable(question: Question, found: Found, freshness: Freshness): TokenRecord | undefined {
    const { askedSince, background } = freshness;
    if (!(askedSince === ANY_AGE || background) || !revocations.isCurrent()) return undefined;
    const record = open(question, found);
    const now = readClock(clock);
    if (record === undefined || !revocations.allows(question.key, record, now)) return undefined;
    const lifetime = lifetimeOf(record, settings);
    // Another process may have renewed it already.
    const least = background ? lifetime * RENEWED_SHARE : 0;
    return timeLeft(record, lifetime, now) > least ? record : undefined;
  }

  function open(
    question: Pick<Question, 'token' | 'key'>,
    { key, value, ttlMs, readAt }: Found,
  ): TokenRecord | undefined {
    const text = seal.open(question, key, value);
    if (text === undefined) return unusable(question, value);
    try {
      const entry: Entry = JSON.parse(text);
      const { response, mark } = entry;
      const asked = askedAtOf(entry, ttlMs, readAt);
      if (asked === undefined || typeof mark !== 'string') return unusable(question, value);
      return { ...restore(response, asked), mark };
    } catch {
      return unusable(question, value);
    }
  }

  /** An event, but for the mark that an invalidation left. */
  function unusable(question: Pick<Question, 'key'>, value: Uint8Array): undefined {
    if (value[0] !== TOMBSTONE && cacheEvents.hasSubscribers) publish('unusable', question);
    return undefined;
  }

  async function keep(
    question: Question,
    key: string,
    record: TokenRecord,
    expected: SetOptions['expected'],
  ): Promise<void> {
    const now = readClock(clock);
    const ttlMs = Math.floor(timeLeft(record, lifetimeOf(record, settings), now));
    if (!(ttlMs >= 1)) return;
    const sealed = seal.close(question, key, JSON.stringify(entryOf(record, settings)));
    await writes.attempt(() => store.set(key, sealed, { ttlMs, expected }));
  }

  return {
    lookup,
    async peek(token) {
      const found = await find(token);
      return found && open(token, found);
    },
    async forget({ key }) {
      const tombstone = Buffer.concat([Buffer.of(TOMBSTONE), randomBytes(16)]);
      const how = { ttlMs: TOMBSTONE_MS, expected: 'any' } as const;
      await Promise.all(seal.keysOf({ key }).map((each) => store.set(each, tombstone, how)));
    },
  };
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

function leaseOf(key: string): string {
  return `${key}.lease`;
}

function publish(outcome: CacheEvent['outcome'], { key }: Pick<Question, 'key'>): void {
  const event: CacheEvent = { outcome, tokenDigest: digestOf(key) };
  cacheEvents.publish(event);
}
