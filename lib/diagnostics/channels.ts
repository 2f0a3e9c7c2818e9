import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { AuthErrorReason, IntrospectionErrorCode } from '../core/errors.js';

/**
 * What was decided about one request by the middleware or by one guard, so that one request may bring several.
 * Published synchronously, in the request's own async context. It never holds a token or a claim.
 */
export interface Decision {
  /** Whether the request went on, with a good token or without any, or was answered 400, 401 or 403 (`rejected`), or 503 (`outage`). */
  readonly outcome: 'accepted' | 'anonymous' | 'rejected' | 'outage';
  /** Who decided: `tokenIntrospection`, the guard's name, or `webSocketUpgrade` and `keepAuthenticated`. */
  readonly by: string;
  /** The status that follows from it; absent when the request went on. */
  readonly status?: number;
  /** Why: an `AuthError`'s reason or an `IntrospectionError`'s code; absent when the request went on. */
  readonly reason?: AuthErrorReason | IntrospectionErrorCode;
  /** `true` where the answer was a stale one (`cache.staleIfErrorSeconds`). */
  readonly stale?: true;
  /** Start of the token's SHA-256, in base64url; absent where there was nothing that could be a token. */
  readonly tokenDigest?: string;
}

/** How one question was answered, or that an answer is renewed before its end. */
export interface CacheEvent {
  /**
   * `hit`: from memory. `miss`: the endpoint is asked. `coalesced`: a question under way is waited for. `stale`: from memory
   * though past its life, since the endpoint failed. `refresh`: the endpoint is asked in the background, beside a hit.
   * Of a miss that is answered by the shared cache: `shared`; of an entry there that cannot be used: `unusable`.
   */
  readonly outcome: 'hit' | 'miss' | 'coalesced' | 'stale' | 'refresh' | 'shared' | 'unusable';
  /** Start of the token's SHA-256, in base64url. */
  readonly tokenDigest: string;
}

/**
 * The circuit breaker before the endpoint has changed its state, or has found that the endpoint is up though it failed for
 * some tokens.
 */
export interface CircuitEvent {
  /** `open`: nothing is asked. `half_open`: one question is under way as a probe. `closed`: everything is asked. */
  readonly state: 'open' | 'half_open' | 'closed';
  /** What opened it, or made it suspect the endpoint. */
  readonly reason?: IntrospectionErrorCode;
  /** The endpoint failed for tokens that clients presented, but answered about a random token of ours. The breaker stays closed. */
  readonly tokensToBlame?: true;
  /** Seconds until the probe, where it is open. */
  readonly retryAfterSeconds?: number;
}

/** The store of the shared cache has begun to fail, or works again. */
export interface StoreEvent {
  /** `failing`: a command failed, or the revocation log has not been read for 5 seconds. `ok`: all of it works again. */
  readonly state: 'failing' | 'ok';
}

/** Something that only an operator can mend; once an hour for each code. */
export interface Misconfiguration {
  /** What it is about; also the `code` of the process warning. */
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
  /** What is safe to tell, such as `HTTP 401`, or the expected and the received audience. */
  readonly detail?: string;
  /** What is probably wrong, and what to do about it. */
  readonly remedy: string;
}

/** One attempt at the endpoint: the context of a `TracingChannel`, filled in as it goes on. */
export interface EndpointCall {
  /** Origin and path. */
  readonly endpoint: string;
  /** 1, or 2 for the retry. */
  readonly attempt: number;
  /** Whether it is an early refresh, for which nobody waits. */
  readonly background: boolean;
  /** Start of the token's SHA-256, in base64url. */
  readonly tokenDigest: string;
  /** Of the reply, once there is one. */
  status?: number;
}

const PREFIX = 'express-token-introspection';

/** Names of the `node:diagnostics_channel`s; that of {@link EndpointCall} is for `tracingChannel()`. */
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

/** What stands for a token in events, of its key. */
export function digestOf(key: string): string {
  return key.slice(0, DIGEST_LENGTH);
}

/** Whether anyone looks: `TracingChannel` itself tells that only from Node 20.13 on, and of its parts each tells. */
export function isTraced(): boolean {
  const { start, end, asyncStart, asyncEnd, error } = endpointCalls;
  return [start, end, asyncStart, asyncEnd, error].some(({ hasSubscribers }) => hasSubscribers);
}
