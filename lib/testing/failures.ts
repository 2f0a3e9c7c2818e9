import { IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';
import type { FakeReply } from './replies.js';

/** How a fake authorization server can fail: the `code` of the `IntrospectionError` that comes of it. */
export type FakeFailure = Extract<
  IntrospectionErrorCode,
  'timeout' | 'unreachable' | 'server_error' | 'rate_limited' | 'bad_response' | 'client_rejected' | 'discovery_failed'
>;

/** What becomes of a question then; of `discovery_failed` nothing, which is about the metadata alone. */
const FAILURES: Readonly<Record<FakeFailure, () => FakeReply | undefined>> = {
  // At once: a test need not wait for `timeoutMs`.
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

export function isFailure(given: unknown): given is FakeFailure {
  return typeof given === 'string' && Object.hasOwn(FAILURES, given);
}

/** Names them, for those who wrote another. */
export const FAILURE_NAMES = Object.keys(FAILURES).join(', ');

/** @throws what the connection fails with, where there is no reply */
export function replyOf(failure: FakeFailure): FakeReply | undefined {
  return FAILURES[failure]();
}
