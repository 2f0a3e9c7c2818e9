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
  /** Time just before its request was sent. */
  readonly sentAt: Instant;
}

/** Sends a request within a deadline. `prepare` signs it: once, and again for a retry, with fresh credentials after a 401. */
export type SendWithRetry = (
  prepare: (isUnauthorized: boolean) => Promise<HttpRequest>,
  labels: CallLabels,
  deadline: Deadline,
) => Promise<DatedResponse>;

type RetryReason = 'unauthorized' | 'unavailable' | 'connection lost';

const UNAUTHORIZED = 401;

/** A gateway in front of the endpoint may send these statuses. A retry may reach the endpoint. */
const UNAVAILABLE_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** Wait before a retry, so that requests that failed together do not come back together. */
const MAX_JITTER_MS = 100;

/** @throws IntrospectionError when no response came, from the second attempt if there was one */
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
