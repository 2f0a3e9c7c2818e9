import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { AuthErrorReason, IntrospectionErrorCode } from '../core/errors.js';

/**
 * A decision about one request, made by the middleware or by a guard. One request may cause several decisions.
 * It is published synchronously, in the async context of the request. It never holds a token or a claim.
 */
export interface Decision {
  /**
   * - `accepted`: the request continued with a valid token.
   * - `anonymous`: the request continued without a token.
   * - `rejected`: the response is 400, 401 or 403.
   * - `outage`: the response is 503.
   */
  readonly outcome: 'accepted' | 'anonymous' | 'rejected' | 'outage';
  /** Name of the function that decided: `tokenIntrospection`, a guard, `webSocketUpgrade` or `keepAuthenticated`. */
  readonly by: string;
  /** HTTP status of the response; absent when the request continued. */
  readonly status?: number;
  /** The `reason` of an `AuthError` or the `code` of an `IntrospectionError`; absent when the request continued. */
  readonly reason?: AuthErrorReason | IntrospectionErrorCode;
  /** `true` when a stale response was used (`cache.staleIfErrorSeconds`). */
  readonly stale?: true;
  /** First 12 characters of the token's SHA-256 in base64url; absent when the request had nothing that could be a token. */
  readonly tokenDigest?: string;
}

/** The outcome of one lookup in the cache, or an early refresh. */
export interface CacheEvent {
  /**
   * - `hit`: the response came from memory.
   * - `miss`: memory had no usable response, so the shared cache or the endpoint is asked.
   * - `coalesced`: the lookup waited for an introspection request that was already under way.
   * - `stale`: an expired response from memory was used, because the endpoint failed.
   * - `refresh`: the endpoint is asked in the background, in addition to a hit.
   * - `shared`: after a miss, the response came from the shared cache.
   * - `unusable`: after a miss, the entry in the shared cache could not be used.
   */
  readonly outcome: 'hit' | 'miss' | 'coalesced' | 'stale' | 'refresh' | 'shared' | 'unusable';
  /** First 12 characters of the token's SHA-256 in base64url. */
  readonly tokenDigest: string;
}

/** The circuit breaker has changed its state, or has found that the endpoint is up although it failed for some tokens. */
export interface CircuitEvent {
  /** `open`: the endpoint is not asked. `half_open`: one request is sent as a probe. `closed`: the endpoint is asked as usual. */
  readonly state: 'open' | 'half_open' | 'closed';
  /** The failure that opened the circuit breaker, or that made it check the endpoint. */
  readonly reason?: IntrospectionErrorCode;
  /** `true` when the endpoint failed for tokens of clients, but responded for a random token of ours. The breaker stays closed. */
  readonly tokensToBlame?: true;
  /** Seconds until the next probe, when the circuit breaker is open. */
  readonly retryAfterSeconds?: number;
}

/** The store of the shared cache has started to fail, or works again. */
export interface StoreEvent {
  /** `failing`: a command failed, or the revocation log could not be read for 5 seconds. `ok`: everything works again. */
  readonly state: 'failing' | 'ok';
}

/** A problem that only an operator can fix. It is published at most once an hour for each code. */
export interface Misconfiguration {
  /** Kind of the problem; also the `code` of the process warning. */
  readonly code:
    | 'CLIENT_REJECTED'
    | 'NOT_AN_ENDPOINT'
    | 'NOT_FROM_THE_ENDPOINT'
    | 'UNREACHABLE'
    | 'SIGNED_REPLY_REJECTED'
    | 'DISCOVERY_FAILED'
    | 'METHOD_NOT_ADVERTISED'
    | 'CLIENT_CERTIFICATE_EXPIRES'
    | 'SECRET_HAS_WHITESPACE'
    | 'AUDIENCE_MISMATCH'
    | 'ISSUER_MISMATCH'
    | 'EXPIRED'
    | 'NOT_YET_VALID'
    | 'REFRESH_TOKEN'
    | 'ALL_INACTIVE'
    | 'UNSUPPORTED_TOKEN_TYPE'
    | 'CLAIMS_REJECTED'
    | 'MALFORMED_CREDENTIALS'
    | 'SENDER_CONSTRAINED'
    | 'CALLBACK_FAILED';
  /** A detail that is safe to log, such as `HTTP 401`, or the expected and the received audience. */
  readonly detail?: string;
  /** The probable cause, and what to do. */
  readonly remedy: string;
}

/** One attempt at the endpoint: the context object of a `TracingChannel`. Members are added while the attempt proceeds. */
export interface EndpointCall {
  /** Origin and path of the endpoint. */
  readonly endpoint: string;
  /** 1, or 2 for the retry. */
  readonly attempt: number;
  /** Whether this is an early refresh. No request waits for it. */
  readonly background: boolean;
  /** First 12 characters of the token's SHA-256 in base64url. */
  readonly tokenDigest: string;
  /** HTTP status of the response, once there is one. */
  status?: number;
}

const PREFIX = 'express-token-introspection';

/** Names of the diagnostics channels. `endpoint` is a name for `tracingChannel()`, with {@link EndpointCall} as context. */
export const CHANNELS = {
  decision: `${PREFIX}:decision`,
  cache: `${PREFIX}:cache`,
  store: `${PREFIX}:store`,
  circuit: `${PREFIX}:circuit`,
  misconfiguration: `${PREFIX}:misconfiguration`,
  endpoint: `${PREFIX}:endpoint`,
} as const;

export const decisions = channel(CHANNELS.decision);
export const cacheEvents = channel(CHANNELS.cache);
export const storeEvents = channel(CHANNELS.store);
export const circuitEvents = channel(CHANNELS.circuit);
export const misconfigurations = channel(CHANNELS.misconfiguration);
export const endpointCalls = tracingChannel<EndpointCall, EndpointCall>(CHANNELS.endpoint);

const DIGEST_LENGTH = 12;

/** Shortens a token digest for events. */
export function digestOf(digest: string): string {
  return digest.slice(0, DIGEST_LENGTH);
}

/** Whether the endpoint channel has subscribers. Before Node 20.13 a `TracingChannel` cannot tell, but each of its parts can. */
export function isTraced(): boolean {
  const { start, end, asyncStart, asyncEnd, error } = endpointCalls;
  return [start, end, asyncStart, asyncEnd, error].some(({ hasSubscribers }) => hasSubscribers);
}
