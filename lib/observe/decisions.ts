import { channel } from 'node:diagnostics_channel';
import type { AuthErrorReason, IntrospectionErrorCode } from '../errors.js';

/** Name of the `node:diagnostics_channel` that carries every {@link Decision}. */
export const DECISION_CHANNEL = 'express-token-introspection:decision';

/**
 * What was decided about one request by the middleware or by one guard, so that one request may bring several.
 * Published synchronously, in the request's own async context. It never holds a token or a claim.
 */
export interface Decision {
  readonly outcome: 'accepted' | 'anonymous' | 'rejected' | 'outage';
  /** Who decided: `tokenIntrospection`, or the guard's name. */
  readonly by: string;
  /** The status that follows from it; absent when the request went on. */
  readonly status?: number;
  /** Why: an `AuthError`'s reason or an `IntrospectionError`'s code; absent when the request went on. */
  readonly reason?: AuthErrorReason | IntrospectionErrorCode;
  /** Start of the token's SHA-256, in base64url; absent where there was nothing that could be a token. */
  readonly tokenDigest?: string;
}

const DIGEST_LENGTH = 12;

const decisions = channel(DECISION_CHANNEL);

export function publishDecision(
  outcome: Decision['outcome'],
  by: string,
  key: string | undefined,
  refusal?: { status: number; reason: NonNullable<Decision['reason']> },
): void {
  if (!decisions.hasSubscribers) return;
  const decision: Decision = {
    outcome,
    by,
    ...refusal,
    ...(key !== undefined && { tokenDigest: key.slice(0, DIGEST_LENGTH) }),
  };
  decisions.publish(decision);
}
