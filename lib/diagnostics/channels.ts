import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { AuthErrorReason, IntrospectionErrorCode } from '../core/errors.js';

/**
 * A decision about one request, made by the middleware, a guard or a function for WebSockets. One request may cause several decisions. Each
 * decision is published synchronously, in the async context of the request. A decision never holds a token or a claim.
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
  /** HTTP status that belongs to the rejection or outage; absent when the request continued. The app may have sent another status. */
  readonly status?: number;
  /** The `reason` of an `AuthError` or the `code` of an `IntrospectionError`; absent when the request continued. */
  readonly reason?: AuthErrorReason | IntrospectionErrorCode;
  /** `true` when the request continued with a stale response (`cache.staleIfErrorSeconds`). */
  readonly stale?: true;
  /** First 12 characters of the token's SHA-256 in base64url; absent when no token could be read, and for a malformed token. */
  readonly tokenDigest?: string;
}

/** A step of one lookup in the caches, or an early refresh. One lookup may publish several events. */
export interface CacheEvent {
  /**
   * - `hit`: the response came from memory.
   * - `miss`: memory had no usable response, so the shared cache or the endpoint is asked.
   * - `coalesced`: memory had no usable response, and the request waits for a pending lookup of the same token.
   * - `stale`: an expired response from memory was used, because the endpoint failed.
   * - `refresh`: after a hit, an early refresh began in the background.
   * - `shared`: after a miss or refresh, the response came from the shared cache.
   * - `unusable`: after a miss or refresh, the entry in the shared cache could not be read.
   */
  readonly outcome: 'hit' | 'miss' | 'coalesced' | 'stale' | 'refresh' | 'shared' | 'unusable';
  /** First 12 characters of the token's SHA-256 in base64url. */
  readonly tokenDigest: string;
}

/**
 * A change of the state of the circuit breaker. With `tokensToBlame`, the breaker has not changed: it stays closed, because the endpoint
 * failed only for tokens of clients.
 */
export interface CircuitEvent {
  /**
   * - `open`: the endpoint is not asked until the next probe. There may be one exception: one request about a token that was active lately.
   * - `half_open`: one request is sent as a probe.
   * - `closed`: the endpoint is asked as usual.
   */
  readonly state: 'open' | 'half_open' | 'closed';
  /** The failure that opened the circuit breaker. With `tokensToBlame`, the failure that caused the request about a random token. */
  readonly reason?: IntrospectionErrorCode;
  /**
   * `true` when the endpoint failed for tokens of clients, but responded about a random token of this process. The circuit breaker stays
   * closed.
   */
  readonly tokensToBlame?: true;
  /** Seconds until the next probe. Only present when the circuit breaker has opened. */
  readonly retryAfterSeconds?: number;
}

/** A change of the state of the shared cache's store: it has started to fail, or it works again. */
export interface StoreEvent {
  /** `failing`: an entry could not be read or stored, or the revocation log could not be read for 5 seconds. `ok`: all works again. */
  readonly state: 'failing' | 'ok';
}

/**
 * The outcome of one signal: a logout token, a security event or a request to invalidate tokens. The event contains nothing that identifies
 * the subject of the signal.
 */
export interface SignalEvent {
  /** Name of the function that received the signal. */
  readonly by:
    | 'backChannelLogout'
    | 'securityEvents'
    | 'pollSecurityEvents'
    | 'globalTokenRevocation'
    | 'invalidationEndpoint';
  /**
   * - `applied`: the cached responses about tokens of the subject were invalidated.
   * - `repeated`: the same signal was applied before.
   * - `ignored`: the event has no effect on tokens.
   * - `unmapped`: it is not known which tokens belong to the subject of the signal.
   * - `foreign`: the subject of the signal belongs to another issuer.
   * - `rejected`: the signal is not valid.
   * - `failed`: the signal could not be handled now. The sender should send it again.
   */
  readonly outcome: 'applied' | 'repeated' | 'ignored' | 'unmapped' | 'foreign' | 'rejected' | 'failed';
  /**
   * For a security event of a known type, the last part of the type, such as `session-revoked`. For a security event of any other type,
   * `other`. Absent for signals that are not security events, and for rejected or failed signals.
   */
  readonly event?: string;
  /** Why a signal was rejected or failed, such as `wrong_signature`. */
  readonly reason?: string;
}

/** The outcome of `verifyJwtFirst()` for one JWT. Nothing is published for other tokens. */
export interface JwtEvent {
  /**
   * - `verified`: the JWT is genuine, and the endpoint is asked whether it is active.
   * - `rejected`: the JWT is not valid, and the endpoint is not asked.
   * - `keys_unavailable`: the keys of the issuer cannot be fetched or used in time, so only the endpoint decides.
   */
  readonly outcome: 'verified' | 'rejected' | 'keys_unavailable';
  /** The check that failed, if the JWT was rejected. */
  readonly fault?:
    | 'malformed'
    | 'algorithm'
    | 'type'
    | 'issuer'
    | 'expired'
    | 'not_yet_valid'
    | 'unknown_key'
    | 'signature';
  /** First 12 characters of the token's SHA-256 in base64url. */
  readonly tokenDigest: string;
}

/**
 * A problem that only an operator can fix. Each middleware and each client authentication publishes the same problem at most once an hour.
 */
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
    | 'INVALID_JWT'
    | 'CALLBACK_FAILED'
    | 'CONNECTION_STATE_RECOVERY';
  /** A detail that is safe to log, such as `HTTP 401`, or the expected and the received audience. */
  readonly detail?: string;
  /** Text that names the probable cause of the misconfiguration, and says what to do. */
  readonly remedy: string;
}

/** One attempt to send an introspection request: the context object of a `TracingChannel`. Members are added while the attempt proceeds. */
export interface EndpointCall {
  /** Origin and path of the endpoint. */
  readonly endpoint: string;
  /** Number of the attempt: 1 for the first attempt, 2 for the retry. */
  readonly attempt: number;
  /**
   * `true` for an early refresh, for a probe with a random token, and for a recheck of an open stream or WebSocket if its `recheckSeconds`
   * is at least `cache.ttlSeconds`. `false` for every other call, also for the call that follows if the endpoint fails in such a recheck. A
   * request for the same token may wait for a background call.
   */
  readonly background: boolean;
  /** First 12 characters of the token's SHA-256 in base64url. */
  readonly tokenDigest: string;
  /** HTTP status of the response; absent before the response arrives, and if no response arrives. */
  status?: number;
}

const PREFIX = 'express-token-introspection';

/**
 * Names of the diagnostics channels. All are plain channels except `endpoint`: pass that name to `tracingChannel()`. The context of this
 * tracing channel is an {@link EndpointCall}.
 */
export const CHANNELS = {
  decision: `${PREFIX}:decision`,
  cache: `${PREFIX}:cache`,
  store: `${PREFIX}:store`,
  circuit: `${PREFIX}:circuit`,
  misconfiguration: `${PREFIX}:misconfiguration`,
  signal: `${PREFIX}:signal`,
  jwt: `${PREFIX}:jwt`,
  endpoint: `${PREFIX}:endpoint`,
} as const;

export const decisions = channel(CHANNELS.decision);
export const cacheEvents = channel(CHANNELS.cache);
export const storeEvents = channel(CHANNELS.store);
export const circuitEvents = channel(CHANNELS.circuit);
export const misconfigurations = channel(CHANNELS.misconfiguration);
export const signalEvents = channel(CHANNELS.signal);
export const jwtEvents = channel(CHANNELS.jwt);
export const endpointCalls = tracingChannel<EndpointCall, EndpointCall>(CHANNELS.endpoint);

const DIGEST_LENGTH = 12;

/** Returns the first 12 characters of a token digest, for events. */
export function digestOf(digest: string): string {
  return digest.slice(0, DIGEST_LENGTH);
}

/**
 * Whether the endpoint channel has subscribers. The function asks each of its five parts, because a `TracingChannel` itself cannot tell
 * before Node 20.13.
 */
export function isTraced(): boolean {
  const { start, end, asyncStart, asyncEnd, error } = endpointCalls;
  return [start, end, asyncStart, asyncEnd, error].some(({ hasSubscribers }) => hasSubscribers);
}
