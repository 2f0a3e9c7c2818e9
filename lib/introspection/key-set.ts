import type { KeyObject } from 'node:crypto';
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import type { JsonWebKey } from '../client-auth/keys.js';
import type { Clock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import { createBackoff } from './backoff.js';
import { type EndpointResponse, textOf } from './http.js';
import { parseJson } from './json.js';
import { requestedPauseOf } from './retry-after.js';
import type { Transport } from './transport.js';

/**
 * A JWK Set (RFC 7517 section 5). The type of jose is not used, because published types that name an ES module do not compile under
 * `moduleResolution: node16`.
 */
export interface JwkSet {
  /** The keys, as JWKs. */
  readonly keys: readonly JsonWebKey[];
}

/** Public keys: the URL of a JWK Set, a JWK Set, or one key. */
export type KeySource = URL | JwkSet | KeyObject;

/** A JWS whose signature was verified. It has no type of jose, for the same reason as `JwkSet`. */
export interface VerifiedJws {
  readonly payload: Uint8Array;
  readonly protectedHeader: Readonly<Record<string, unknown>>;
}

/** The public keys of one issuer. */
export interface KeySet {
  /**
   * Verifies a JWS. If the key of the JWS is unknown, the keys are fetched again, unless they were fetched less than `cooldownMs` ago.
   *
   * @throws UnknownKeyError if the keys were fetched so recently that they are not fetched again
   * @throws IntrospectionError `discovery_failed` if the keys cannot be fetched
   * @throws an error of jose if the signature is not valid
   */
  verify(jws: string | Uint8Array, algorithms: readonly string[]): Promise<VerifiedJws>;
  /**
   * Milliseconds until the keys may be fetched again for a signature that none of them verifies. Infinity for keys that are never fetched.
   */
  refetchableInMs(): number;
  /**
   * Whether no key has this `kid`, and the keys may not be fetched again yet. Then `verify` would throw an `UnknownKeyError`, after more
   * work.
   */
  isUnknown(kid: string): boolean;
}

export interface KeySetSettings {
  readonly get: Transport['get'];
  readonly clock: Clock;
  /** After the keys were fetched, a signature with an unknown key causes no new fetch for this many milliseconds. At least 1000. */
  readonly cooldownMs: number;
  /**
   * Shortest pause after a failed fetch, in milliseconds, at least 1000. Default: no pause, unless the server has asked for one, so the
   * next use of the keys fetches them again.
   */
  readonly failurePauseMs?: number;
  /**
   * Treats a signature that its key does not verify like a signature with an unknown key: the keys are fetched again. Set it if the issuer
   * may replace a key without a new `kid`. Default: `false`.
   */
  readonly refetchesForBadSignatures?: boolean;
  /**
   * Treats a set without keys as a failed fetch. Set it if an issuer without keys has a fault, and no signature may be rejected because of
   * it. Default: `false`, so such a set verifies nothing.
   */
  readonly requiresKeys?: boolean;
}

/** Error for a signature that no key fits, when the keys were fetched too recently to fetch them again. */
export class UnknownKeyError extends Error {
  /** The same code as that of jose's error for a signature whose key is not in the set. */
  readonly code = 'ERR_JWKS_NO_MATCHING_KEY';

  /** @param retryAfterSeconds seconds until the keys may be fetched again */
  constructor(readonly retryAfterSeconds: number) {
    super('no key fits the signature, and the keys were fetched recently');
  }
}

type Keys = JWTVerifyGetKey | KeyObject;

/** The keys of a JWK Set, and the names of all of them. */
interface NamedKeys {
  readonly keys: Keys;
  readonly kids: ReadonlySet<unknown>;
}

interface FetchedKeys extends NamedKeys {
  /** When the keys were fetched, in monotonic milliseconds. */
  readonly at: number;
}

const OK = 200;

/** Keys are fetched again before their next use when they were fetched longer ago than this many milliseconds. */
const MAX_AGE_MS = 600_000;

export function createKeySet(source: KeySource, settings: KeySetSettings): KeySet {
  return source instanceof URL ? fetchedKeySet(source, settings) : fixedKeySet(source);
}

function fixedKeySet(source: JwkSet | KeyObject): KeySet {
  let keys: Promise<Keys> | undefined;
  return {
    async verify(jws, algorithms) {
      keys ??= 'keys' in source ? localKeys(source) : Promise.resolve(source);
      return verifySignature(jws, await keys, algorithms);
    },
    refetchableInMs: () => Number.POSITIVE_INFINITY,
    isUnknown: () => false,
  };
}

/** Creates the set of the keys at a URL. All signatures share the fetched keys, so the keys are not fetched for each signature. */
function fetchedKeySet(url: URL, settings: KeySetSettings): KeySet {
  const { clock, cooldownMs, refetchesForBadSignatures = false } = settings;
  const fetchKeys = createFetch(url, settings);
  let known: FetchedKeys | undefined;
  let pending: Promise<FetchedKeys> | undefined;

  async function load(): Promise<FetchedKeys> {
    try {
      const { keys, kids } = await fetchKeys();
      known = { keys, kids, at: clock.monotonic() };
      return known;
    } finally {
      pending = undefined;
    }
  }

  function loadOnce(): Promise<FetchedKeys> {
    pending ??= load();
    return pending;
  }

  function refetchableInMs(): number {
    return known === undefined ? 0 : Math.max(0, known.at + cooldownMs - clock.monotonic());
  }

  return {
    refetchableInMs,
    isUnknown: (kid) => known !== undefined && refetchableInMs() > 0 && !known.kids.has(kid),
    async verify(jws, algorithms) {
      const isUsable = known !== undefined && clock.monotonic() - known.at <= MAX_AGE_MS;
      const current = isUsable && known !== undefined ? known : await loadOnce();
      try {
        return await verifySignature(jws, current.keys, algorithms);
      } catch (error) {
        const { errors } = await loadJose();
        const isUnknown = error instanceof errors.JWKSNoMatchingKey;
        const isBad = refetchesForBadSignatures && error instanceof errors.JWSSignatureVerificationFailed;
        // After a fetch for this signature, the issuer itself does not know the key.
        if (!(isUsable && (isUnknown || isBad))) throw error;
        const waitMs = refetchableInMs();
        if (waitMs > 0 && known === current) throw isUnknown ? new UnknownKeyError(Math.ceil(waitMs / 1000)) : error;
      }
      // Another call has fetched the keys meanwhile.
      if (known !== undefined && known !== current) return verifySignature(jws, known.keys, algorithms);
      return verifySignature(jws, (await loadOnce()).keys, algorithms);
    },
  };
}

let jose: typeof import('jose') | undefined;

/** Loads jose when it is first needed, because it is an ES module. Later calls are fast: each `import()` would take several microseconds. */
async function loadJose(): Promise<typeof import('jose')> {
  jose ??= await import('jose');
  return jose;
}

/** @throws JWKSInvalid of jose unless the value is a JWK Set */
async function localKeys(value: unknown): Promise<JWTVerifyGetKey> {
  const { createLocalJWKSet } = await loadJose();
  return createLocalJWKSet(value as JSONWebKeySet);
}

/**
 * Returns a function that fetches the JWK Set from `url` through {@link Transport.get}, with its deadline and size limit. During the pause
 * after a failure, every call throws the same error and sends nothing.
 */
function createFetch(url: URL, { get, clock, failurePauseMs, requiresKeys }: KeySetSettings): () => Promise<NamedKeys> {
  const backoff = createBackoff(clock);
  return async () => {
    const pausedBy = backoff.failure();
    if (pausedBy !== undefined) throw pausedBy;
    const response = await get(url, 'application/jwk-set+json, application/json').catch(asMissingKeys).catch(pause);
    if (response.status === OK) return toKeys(response, requiresKeys).catch(pause);
    const pauseSeconds = requestedPauseOf(response, clock.now());
    const failure = noKeys(`HTTP ${response.status}`, pauseSeconds);
    if (pauseSeconds === undefined) return pause(failure);
    backoff.start(failure, failurePauseMs ?? 0);
    throw failure;
  };

  function pause(failure: IntrospectionError): never {
    if (failurePauseMs !== undefined) backoff.start(failure, failurePauseMs);
    throw failure;
  }
}

/**
 * Reads the keys in a response.
 *
 * @throws IntrospectionError `discovery_failed` if the body is not a JWK Set
 */
async function toKeys(response: EndpointResponse, requiresKeys = false): Promise<NamedKeys> {
  try {
    const set = parseJson(textOf(response));
    const keys = await localKeys(set);
    const { keys: list } = set as JwkSet;
    if (requiresKeys && list.length === 0) throw new IntrospectionError('discovery_failed', 'no keys');
    return { keys, kids: new Set(list.map((key) => ownMember(key, 'kid'))) };
  } catch (error) {
    if (error instanceof IntrospectionError) asMissingKeys(error);
    throw noKeys('not a JWK Set');
  }
}

function asMissingKeys({ detail, code }: IntrospectionError): never {
  throw noKeys(detail ?? code);
}

function noKeys(detail: string, retryAfterSeconds?: number): IntrospectionError {
  return new IntrospectionError('discovery_failed', `jwks_uri: ${detail}`, retryAfterSeconds);
}

/**
 * Verifies the signature. For a signature without `kid`, the function tries each key that fits the algorithm, because a server has two keys
 * while it replaces one by the other.
 */
async function verifySignature(
  jws: string | Uint8Array,
  keys: Keys,
  algorithms: readonly string[],
): Promise<VerifiedJws> {
  const { compactVerify, errors } = jose ?? (await loadJose());
  const options = { algorithms: [...algorithms] };
  if (typeof keys !== 'function') return compactVerify(jws, keys, options);
  try {
    return await compactVerify(jws, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let last: unknown = error;
    for await (const key of error) {
      try {
        return await compactVerify(jws, key, options);
      } catch (failure) {
        last = failure;
      }
    }
    throw last;
  }
}
