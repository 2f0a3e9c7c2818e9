import { AuthError } from './errors.js';

/** What a precheck gets besides the token. */
export interface PrecheckContext {
  /**
   * Aborts when half of the time limit of the lookup (`timeoutMs`) has passed. A precheck that has not settled right after that fails with
   * 503 `precheck_failed`.
   */
  readonly signal: AbortSignal;
}

/**
 * Checks a token before the endpoint is asked about it. A thrown {@link AuthError} rejects the token, and the endpoint is not asked. If the
 * function returns, or its promise resolves, to whatever value, the endpoint is asked. Any other error causes a 503 `precheck_failed`.
 */
export type Precheck = (token: string, context: PrecheckContext) => void | Promise<void>;

/** For rejections that may be remembered only for a short time: that time, in milliseconds. It is not a member of the public error. */
const limits = new WeakMap<AuthError, number>();

/** Limits how long the rejection of a precheck may be remembered. Without a limit, it is as long as an inactive response. */
export function limitMemory(error: AuthError, milliseconds: number): AuthError {
  limits.set(error, milliseconds);
  return error;
}

export function memoryLimitOf(error: AuthError): number {
  return limits.get(error) ?? Number.POSITIVE_INFINITY;
}

/** Copies a rejection, because many requests may share one lookup, and each request changes the error that it gets. */
export function copyRejection({ reason, scopes, authentication }: AuthError): AuthError {
  return new AuthError(reason, scopes, authentication);
}
