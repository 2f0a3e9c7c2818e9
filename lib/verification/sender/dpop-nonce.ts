import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../core/clock.js';

/** Nonces that a server gives to clients, so that proofs cannot be made in advance (RFC 9449 sections 8 and 9). */
export interface Nonces {
  current(): string;
  /** `old`: still accepted, but to be replaced. */
  check(nonce: unknown): 'current' | 'old' | 'unknown';
}

/** A nonce is given out for so long, and accepted for as long again. */
const PERIOD_MS = 120_000;

/**
 * Stateless: a nonce is the HMAC of its period, so that every process with the same secrets accepts it, and nobody without can
 * foretell it. The first secret makes, all are accepted.
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
      // A process whose clock is ahead may have begun the next period.
      return secrets.some((secret) => [now, now - 1, now + 1].some((at) => isOf(secret, at))) ? 'old' : 'unknown';
    },
  };
}

function equals(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
