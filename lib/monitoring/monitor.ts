import type { AuthenticatedToken, Authenticator } from '../authenticator.js';

/** A monitor of the token of one stream or socket. Its methods never throw. */
export interface Monitor {
  readonly authenticator: Authenticator;
  /** The token, with its latest record that has passed all checks. */
  readonly token: AuthenticatedToken;
  /** When the monitor ends because of `exp`, as wall time in milliseconds since the epoch. Infinity if the token has no `exp`. */
  readonly expiresAt: number;
  renew(token: AuthenticatedToken): void;
  endWith(error: unknown): void;
}
