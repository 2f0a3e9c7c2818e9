import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Clock, type Instant, readClock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import type { Deadline } from '../core/timeout.js';
import { isLostConnection } from './failures.js';
import { type EndpointResponse, type HttpRequest, headerOf, toIntrospectionError } from './http.js';
import type { Attempt, CallLabels, Transport } from './transport.js';

export interface RetrySettings {
  readonly transport: Pick<Transport, 'post' | 'tlsGeneration' | 'renewTls'>;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Statuses that `normalizeResponse` handles. Responses with these statuses say something about the token, so they cause no retry. */
  readonly handledStatuses: ReadonlySet<number> | undefined;
}

/** A response, with the time at which its request was sent. */
export interface DatedResponse {
  readonly response: EndpointResponse;
  /** Time just before the request of this response was sent. If the response came after a retry, it is the time of the retry. */
  readonly sentAt: Instant;
}

/**
 * Sends a request within a deadline, and retries it at most once. `prepare` builds and signs the request of each attempt. After a 401, its
 * argument is `true`, and it should renew the credentials. If neither the credentials nor the TLS material were renewed, the response with
 * the 401 is returned without a retry.
 */
export type SendWithRetry = (
  prepare: (isUnauthorized: boolean) => HttpRequest | Promise<HttpRequest>,
  labels: CallLabels,
  deadline: Deadline,
) => Promise<DatedResponse>;

type RetryReason = 'unauthorized' | 'unavailable' | 'connection lost';

const FIRST_ATTEMPT: Attempt = { number: 1, newConnection: false };

const UNAUTHORIZED = 401;

/**
 * Statuses that a proxy in front of the endpoint may send. They cause a retry if the response has no `Retry-After`, because the retry may
 * reach the endpoint.
 */
const UNAVAILABLE_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * Longest wait before a retry, in milliseconds. The wait is random, so that requests that failed at the same time are not repeated at the
 * same time. A retry after a 401 does not wait.
 */
const MAX_JITTER_MS = 100;

/**
 * The promise of the returned function rejects with an `IntrospectionError` when no response came, the deadline has passed, or `prepare`
 * failed. After a retry, it rejects with the error of the retry.
 */
export function createSendWithRetry({ transport, clock, timeoutMs, handledStatuses }: RetrySettings): SendWithRetry {
  const maxJitterMs = Math.min(MAX_JITTER_MS, timeoutMs / 10);

  function retryReason(outcome: EndpointResponse | IntrospectionError): RetryReason | undefined {
    if (outcome instanceof IntrospectionError) return isLostConnection(outcome) ? 'connection lost' : undefined;
    if (handledStatuses?.has(outcome.status)) return undefined;
    if (outcome.status === UNAUTHORIZED) return 'unauthorized';
    const saysWhen = headerOf(outcome, 'retry-after') !== undefined;
    return UNAVAILABLE_STATUSES.has(outcome.status) && !saysWhen ? 'unavailable' : undefined;
  }

  return async (prepare, labels, deadline) => {
    const prepared = prepare(false);
    const request = prepared instanceof Promise ? await prepared : prepared;
    const sentAt = readClock(clock);
    const tls = transport.tlsGeneration();
    let outcome: EndpointResponse | IntrospectionError;
    try {
      outcome = await transport.post(request, FIRST_ATTEMPT, labels, deadline);
    } catch (error) {
      outcome = toIntrospectionError(error);
    }
    const reason = retryReason(outcome);
    if (reason === undefined) return dated(outcome, sentAt);
    if (reason !== 'unauthorized') await setTimeout(Math.random() * maxJitterMs);
    if (deadline.passed) throw new IntrospectionError('timeout');

    const retry = await prepare(reason === 'unauthorized');
    const resentAt = readClock(clock);
    const hasSameCredentials = reason === 'unauthorized' && isDeepStrictEqual(request, retry);
    if (hasSameCredentials && !(await transport.renewTls(tls))) return dated(outcome, sentAt);
    const newConnection = reason === 'connection lost';
    const response = await transport.post(retry, { number: 2, newConnection }, labels, deadline);
    return { response, sentAt: resentAt };
  };
}

function dated(outcome: EndpointResponse | IntrospectionError, sentAt: Instant): DatedResponse {
  if (outcome instanceof IntrospectionError) throw outcome;
  return { response: outcome, sentAt };
}
