import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Clock, type Instant, readClock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import type { Deadline } from '../core/timeout.js';
import { isLostConnection } from './failures.js';
import { type EndpointResponse, type HttpRequest, headerOf } from './http.js';
import type { CallLabels, Transport } from './transport.js';

export interface RetrySettings {
  readonly transport: Pick<Transport, 'post' | 'tlsGeneration' | 'renewTls'>;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Statuses that say something about the token, because `normalizeResponse` handles them. They cause no retry. */
  readonly handledStatuses: ReadonlySet<number> | undefined;
}

/** A response, with the time of its request. */
export interface DatedResponse {
  readonly response: EndpointResponse;
  /** Time just before the request of this response was sent. After a retry, it is the time of the retry. */
  readonly sentAt: Instant;
}

/**
 * Sends a request within a deadline, and retries it at most once. `prepare` signs each attempt. After a 401, `prepare` gets `true` and
 * should renew the credentials. If nothing was renewed, the response with the 401 is returned without a retry.
 */
export type SendWithRetry = (
  prepare: (isUnauthorized: boolean) => Promise<HttpRequest>,
  labels: CallLabels,
  deadline: Deadline,
) => Promise<DatedResponse>;

type RetryReason = 'unauthorized' | 'unavailable' | 'connection lost';

const UNAUTHORIZED = 401;

/** A proxy in front of the endpoint may send these statuses. Without a `Retry-After`, a retry may reach the endpoint. */
const UNAVAILABLE_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * Longest wait before a retry, in milliseconds. The wait is random, so that requests that failed together are not repeated together. A
 * retry after a 401 does not wait.
 */
const MAX_JITTER_MS = 100;

/**
 * @throws IntrospectionError (the returned function) when no response came, the deadline has passed, or `prepare` failed. After a retry,
 * it is the error of the retry
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
    const request = await prepare(false);
    const sentAt = readClock(clock);
    const tls = transport.tlsGeneration();
    const outcome = await transport
      .post(request, { ...labels, attempt: 1, newConnection: false }, deadline)
      .catch((error: IntrospectionError) => error);

    const reason = retryReason(outcome);
    if (reason === undefined) return dated(outcome, sentAt);
    if (reason !== 'unauthorized') await setTimeout(Math.random() * maxJitterMs);
    if (deadline.passed) throw new IntrospectionError('timeout');

    const retry = await prepare(reason === 'unauthorized');
    const resentAt = readClock(clock);
    const hasSameCredentials = reason === 'unauthorized' && isDeepStrictEqual(request, retry);
    if (hasSameCredentials && !(await transport.renewTls(tls))) return dated(outcome, sentAt);
    const newConnection = reason === 'connection lost';
    const response = await transport.post(retry, { ...labels, attempt: 2, newConnection }, deadline);
    return { response, sentAt: resentAt };
  };
}

function dated(outcome: EndpointResponse | IntrospectionError, sentAt: Instant): DatedResponse {
  if (outcome instanceof IntrospectionError) throw outcome;
  return { response: outcome, sentAt };
}
