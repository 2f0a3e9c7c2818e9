import type { AuthError, AuthErrorReason } from '../core/errors.js';
import type { Misconfiguration } from './channels.js';
import { type Explanation, explain } from './explain.js';
import { createWarning } from './misconfiguration.js';
import { remedyFor } from './remedies.js';

/**
 * Counts the rejections of one middleware that has accepted no token yet. Warns when there are many for the same reason, if a wrong
 * configuration may cause that reason.
 */
export interface RejectionWatch {
  /** Ends the watch for ever. Call `stop` when a token is accepted, because then the configuration is right for some tokens. */
  stop(): void;
  /** Counts the rejection if a wrong configuration may have caused it, and warns when enough rejections with its reason were counted. */
  rejected(error: AuthError): void;
}

/** The rejection watches of all middlewares of one introspector. */
export interface RejectionWatches {
  create(): RejectionWatch;
  close(): void;
}

export interface RejectionWatchSettings {
  readonly monotonic: () => number;
  /**
   * Whether any response of the endpoint so far was active. If so, the endpoint accepts this API, and rejections of inactive tokens cause
   * no warning.
   */
  readonly wasAnyActive: () => boolean;
}

/** This number of rejections for one reason causes the warning at once. */
const TOKENS = 20;

/** This number of rejections for one reason is enough for the warning when a minute has passed since the first of them. */
const TOKENS_IN_A_MINUTE = 3;
const A_MINUTE_MS = 60_000;

/**
 * Reasons that a wrong configuration may cause, and the code of the warning for each. Strangers can cause rejections for some of these
 * reasons too.
 */
const CODES: Partial<Record<AuthErrorReason, Misconfiguration['code']>> = {
  audience_mismatch: 'AUDIENCE_MISMATCH',
  issuer_mismatch: 'ISSUER_MISMATCH',
  expired: 'EXPIRED',
  not_yet_valid: 'NOT_YET_VALID',
  refresh_token: 'REFRESH_TOKEN',
  inactive: 'ALL_INACTIVE',
  unsupported_token_type: 'UNSUPPORTED_TOKEN_TYPE',
  claims_rejected: 'CLAIMS_REJECTED',
  malformed_credentials: 'MALFORMED_CREDENTIALS',
  sender_constrained: 'SENDER_CONSTRAINED',
  invalid_jwt: 'INVALID_JWT',
};

interface Rejections {
  count: number;
  readonly since: number;
  last: AuthError;
}

export function createRejectionWatches({ monotonic, wasAnyActive }: RejectionWatchSettings): RejectionWatches {
  const stops = new Set<() => void>();

  function create(): RejectionWatch {
    /** Rejections by reason. Each reason is counted separately, because tokens of strangers could hide rejections for another reason. */
    const rejections = new Map<AuthErrorReason, Rejections>();
    const warnings = new Map<string, ReturnType<typeof createWarning>>();
    let isStopped = false;
    let timer: NodeJS.Timeout | undefined;

    function stop(): void {
      isStopped = true;
      clearTimeout(timer);
      stops.delete(stop);
      rejections.clear();
      warnings.clear();
    }

    function warnIfDue(reason: AuthErrorReason, now: number): void {
      const seen = rejections.get(reason);
      const code = CODES[reason];
      if (seen === undefined || code === undefined) return;
      const { count, since, last } = seen;
      if (count < TOKENS && !(count >= TOKENS_IN_A_MINUTE && now - since >= A_MINUTE_MS)) return;
      rejections.delete(reason);
      if (reason === 'inactive' && wasAnyActive()) return;
      let warn = warnings.get(code);
      if (warn === undefined) {
        warn = createWarning(code);
        warnings.set(code, warn);
      }
      const { detail, ...values } = explain(last);
      warn(
        `No token has been accepted so far, and ${count} were rejected (${reason}). If some of them were valid: ` +
          remedyFor(reason, detail),
        describe(values),
      );
    }

    function startTimer(): void {
      stops.add(stop);
      timer = setTimeout(() => {
        for (const reason of [...rejections.keys()]) warnIfDue(reason, Number.POSITIVE_INFINITY);
      }, A_MINUTE_MS);
      timer.unref();
    }

    return {
      stop,
      rejected(error) {
        const { reason } = error;
        if (isStopped || CODES[reason] === undefined || isOrdinary(error)) return;
        if (timer === undefined) startTimer();
        const now = monotonic();
        const seen = rejections.get(reason);
        if (seen === undefined) rejections.set(reason, { count: 1, since: now, last: error });
        else {
          seen.count++;
          seen.last = error;
        }
        warnIfDue(reason, now);
      },
    };
  }

  return {
    create,
    close() {
      for (const stop of stops) stop();
    },
  };
}

/**
 * Whether a token was rejected because it has expired since the endpoint was asked about it. This is normal, so the rejection is not
 * counted.
 */
function isOrdinary(error: AuthError): boolean {
  return error.reason === 'expired' && explain(error).detail === undefined;
}

function describe({ expected, received }: Explanation): string | undefined {
  if (expected === undefined) return undefined;
  return received === undefined ? `expected ${expected}` : `expected ${expected}; received ${received}`;
}
