import { IntrospectionError } from '../core/errors.js';

/**
 * Remembers tokens for which the endpoint sent a server error (5xx). After two such errors within 3 seconds, without a response about the
 * token between them, the endpoint is not asked about the token for 3 seconds. Other failures do not count.
 */
export interface FailedTokens {
  /**
   * Does nothing if the endpoint may be asked.
   *
   * @throws IntrospectionError the last failure for this token, during 3 seconds after the second and each further failure in a row
   */
  assertLookupAllowed(digest: string): void;
  noteFailure(digest: string, error: unknown): void;
  noteResponse(digest: string): void;
}

const REMEMBERED_MS = 3000;
const MAX_TOKENS = 1000;

/** Number of failures in a row after which lookups of the token must wait. One failure may be an accident. */
const FAILURES_TO_WAIT = 2;

interface Failure {
  readonly error: IntrospectionError;
  readonly count: number;
  readonly until: number;
}

export function createFailedTokens(monotonic: () => number): FailedTokens {
  /**
   * The last failure of each token, by token digest, with the number of failures in a row. The token that failed longest ago comes first.
   */
  const failures = new Map<string, Failure>();

  function find(digest: string): Failure | undefined {
    const failure = failures.get(digest);
    if (failure === undefined || monotonic() < failure.until) return failure;
    failures.delete(digest);
    return undefined;
  }

  return {
    assertLookupAllowed(digest) {
      const failure = failures.size === 0 ? undefined : find(digest);
      if (failure === undefined || failure.count < FAILURES_TO_WAIT) return;
      const { code, detail } = failure.error;
      throw new IntrospectionError(code, detail, Math.max(1, Math.ceil((failure.until - monotonic()) / 1000)));
    },
    noteFailure(digest, error) {
      if (!(error instanceof IntrospectionError) || error.code !== 'server_error') return;
      const count = (find(digest)?.count ?? 0) + 1;
      failures.delete(digest);
      failures.set(digest, { error, count, until: monotonic() + REMEMBERED_MS });
      const [oldest] = failures.keys();
      if (failures.size > MAX_TOKENS && oldest !== undefined) failures.delete(oldest);
    },
    noteResponse(digest) {
      if (failures.size > 0) failures.delete(digest);
    },
  };
}
