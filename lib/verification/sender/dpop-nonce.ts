import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../core/clock.js';

/** Nonces that clients must put into their DPoP proofs, so that proofs cannot be created in advance (RFC 9449 sections 8 and 9). */
export interface Nonces {
  /** Returns the nonce of the current period, to send to clients. */
  current(): string;
  /**
   * Checks the nonce of a proof. A `current` or `old` nonce is accepted. After an `old` nonce, the client should be sent the current nonce.
   * An `unknown` nonce is not accepted.
   */
  check(nonce: unknown): 'current' | 'old' | 'unknown';
}

/** Length of a period in milliseconds. A nonce is sent to clients during one period, and is still accepted during the next period. */
const PERIOD_MS = 120_000;

/**
 * Creates stateless nonces. A nonce is the HMAC of its period: every process with the same secrets accepts it, and nobody
 * without a secret can predict it. New nonces are made with the first secret. Nonces made with any of the secrets are accepted, so
 * secrets can be rotated.
 */
export function createNonces(secrets: readonly (string | Buffer)[], clock: Clock): Nonces {
  const currentPeriod = () => Math.floor(clock.now() / PERIOD_MS);
  const createNonce = (secret: string | Buffer, periodNumber: number) =>
    createHmac('sha256', secret).update(`dpop nonce ${periodNumber}`).digest('base64url');
  return {
    current: () => createNonce(secrets[0] as string, currentPeriod()),
    check(nonce) {
      if (typeof nonce !== 'string') return 'unknown';
      const now = currentPeriod();
      const matches = (secret: string | Buffer, periodNumber: number) =>
        equals(nonce, createNonce(secret, periodNumber));
      if (matches(secrets[0] as string, now)) return 'current';
      // The next period is accepted too, because the clock of another process may be ahead.
      return secrets.some((secret) => [now, now - 1, now + 1].some((number) => matches(secret, number)))
        ? 'old'
        : 'unknown';
    },
  };
}

function equals(actual: string, expected: string): boolean {
  const [a, b] = [Buffer.from(actual), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
