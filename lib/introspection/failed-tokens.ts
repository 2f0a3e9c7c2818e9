import { IntrospectionError } from '../core/errors.js';

/** Remembers the tokens for which the endpoint keeps failing, so that it is not asked about them again and again. */
export interface FailedTokens {
  /** @throws IntrospectionError the last failure for this token, if it failed twice in a row and not long ago */
  assertMayAsk(digest: string): void;
  noteFailure(digest: string, error: unknown): void;
  noteAnswer(digest: string): void;
}

const REMEMBERED_MS = 3000;
const MAX_TOKENS = 1000;

/** One failure may be an accident. After the second, the token has to wait. */
const FAILURES_TO_WAIT = 2;

interface Failure {
  readonly error: IntrospectionError;
  readonly times: number;
  readonly until: number;
}

export function createFailedTokens(monotonic: () => number): FailedTokens {
  /** In the order of their last failure. */
  const failures = new Map<string, Failure>();

  function find(digest: string): Failure | undefined {
    const failure = failures.get(digest);
    if (failure === undefined || monotonic() < failure.until) return failure;
    failures.delete(digest);
    return undefined;
  }

  return {
    assertMayAsk(digest) {
      const failure = failures.size === 0 ? undefined : find(digest);
      if (failure === undefined || failure.times < FAILURES_TO_WAIT) return;
      const { code, detail } = failure.error;
      throw new IntrospectionError(code, detail, Math.max(1, Math.ceil((failure.until - monotonic()) / 1000)));
    },
    noteFailure(digest, error) {
      if (!(error instanceof IntrospectionError) || error.code !== 'server_error') return;
      const times = (find(digest)?.times ?? 0) + 1;
      failures.delete(digest);
      failures.set(digest, { error, times, until: monotonic() + REMEMBERED_MS });
      const [oldest] = failures.keys();
      if (failures.size > MAX_TOKENS && oldest !== undefined) failures.delete(oldest);
    },
    noteAnswer(digest) {
      if (failures.size > 0) failures.delete(digest);
    },
  };
}
