import { IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';
import type { FakeReply } from './replies.js';

/**
 * A failure that a fake authorization server can simulate. Its name is the `code` of the `IntrospectionError` that the middleware then
 * reports.
 */
export type FakeFailure = Extract<
  IntrospectionErrorCode,
  'timeout' | 'unreachable' | 'server_error' | 'rate_limited' | 'bad_response' | 'client_rejected' | 'discovery_failed'
>;

/**
 * Functions that create the reply to an introspection request, by failure. With `discovery_failed`, the result is `undefined`, because this
 * failure affects only requests for metadata.
 */
const FAILURES: Readonly<Record<FakeFailure, () => FakeReply | undefined>> = {
  // A request fails at once, so a test need not wait for `timeoutMs`.
  timeout: () => {
    throw new IntrospectionError('timeout');
  },
  unreachable: () => {
    throw Object.assign(new Error('a fake failure'), { code: 'ECONNREFUSED' });
  },
  server_error: () => ({ status: 500 }),
  rate_limited: () => ({ status: 429 }),
  bad_response: () => ({ contentType: 'text/html', body: '<p>not an introspection response' }),
  client_rejected: () => ({ status: 401 }),
  discovery_failed: () => undefined,
};

export function isFailure(value: unknown): value is FakeFailure {
  return typeof value === 'string' && Object.hasOwn(FAILURES, value);
}

/** The names of all failures in one text, for error messages. */
export const FAILURE_NAMES = Object.keys(FAILURES).join(', ');

/**
 * Returns the reply to an introspection request for this failure; `undefined` for `discovery_failed`.
 *
 * @throws for `timeout` and `unreachable`, the error with which the request fails
 */
export function replyOf(failure: FakeFailure): FakeReply | undefined {
  return FAILURES[failure]();
}
