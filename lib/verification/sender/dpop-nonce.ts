import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../core/clock.js';

/** Nonces that clients must put into proofs, so that proofs cannot be created in advance (RFC 9449 sections 8 and 9). */
export interface Nonces {
  /** Returns the nonce to give to clients now. */
  current(): string;
  /** `old` means that the nonce is accepted, but the client should get a new one. */
  check(nonce: unknown): 'current' | 'old' | 'unknown';
}

/** A nonce is given out for 2 minutes, and accepted for 2 more. */
const PERIOD_MS = 120_000;

/**
 * Creates stateless nonces. A nonce is the HMAC of its period: every process with the same secrets accepts it, and nobody
 * without a secret can predict it. The first secret creates nonces; all are accepted, so secrets can be rotated.
 */
export function createNonces(secrets: readonly (string | Buffer)[], clock: Clock): Nonces {
  const period = () => Math.floor(clock.now() / PERIOD_MS);
  const nonceOf = (secret: string | Buffer, at: number) =>
    createHmac('sha256', secret).update(`dpop nonce ${at}`).digest('base64url');
  return {
    current: () => nonceOf(secrets[0] as string, period()),
    check(nonce) {
      if (typeof nonce !== 'string') return 'unknown';
      const now = period();
      const isOf = (secret: string | Buffer, at: number) => equals(nonce, nonceOf(secret, at));
      if (isOf(secrets[0] as string, now)) return 'current';
      // The next period is accepted too, because the clock of another process may be ahead.
      return secrets.some((secret) => [now, now - 1, now + 1].some((at) => isOf(secret, at))) ? 'old' : 'unknown';
    },
  };
}

function equals(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
