import type { FaultProxy } from './proxy.mjs';
import type { Phase } from './schedule.mjs';

export interface Truth {
  issued(token: string, of: { readonly scope: string; readonly expiresAt: number }): void;
  revoking(token: string): void;
  revoked(token: string): void;
}

/** One request, as its client saw it. */
export interface Observation {
  readonly token: string;
  /** What the route needs. */
  readonly scope?: string | undefined;
  /** Whether the route wants a fresh answer. */
  readonly fresh: boolean;
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly status: number;
  /** Of a 200: whether an old answer stood in. */
  readonly stale: boolean;
  /** Of a 503: the code. */
  readonly error: string | undefined;
}

export interface Limits {
  readonly timeoutMs: number;
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly toleranceMs: number;
  marginMs(): number;
}

export interface Model {
  readonly violations: readonly { readonly what: string }[];
  saw(observation: Observation): void;
  checkCalls(phases: readonly Phase[]): void;
}

export function createTruth(): Truth;
export function createModel(of: {
  readonly truth: Truth;
  readonly limits: Limits;
  readonly proxy: Pick<FaultProxy, 'exchanges' | 'peak'>;
}): Model;
