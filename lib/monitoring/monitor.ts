import type { AuthenticatedToken, Authenticator } from '../authenticator.js';

/** One monitor of a token. Its methods never throw. */
export interface Monitor {
  readonly authenticator: Authenticator;
  /** The token with the latest record that has passed all checks. */
  readonly token: AuthenticatedToken;
  /** When `exp` ends the monitor, in wall milliseconds; infinity without `exp`. */
  readonly expiresAt: number;
  renew(token: AuthenticatedToken): void;
  endWith(error: unknown): void;
}
