import type { FaultProxy } from './proxy.mjs';
import type { Phase } from './schedule.mjs';

export interface TokenRegistry {
  issued(token: string, details: { readonly scope: string; readonly expiresAt: number }): void;
  revoking(token: string): void;
  revoked(token: string): void;
}

/** One request and its response, as the client saw them. */
export interface Observation {
  readonly token: string;
  /** Scope that the route requires. */
  readonly scope?: string | undefined;
  /** Whether the route requires a fresh response. */
  readonly fresh: boolean;
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly status: number;
  /** Whether a 200 is based on a stale response. */
  readonly stale: boolean;
  /** Code of the `IntrospectionError` of a 503. */
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
  observe(observation: Observation): void;
  checkCalls(phases: readonly Phase[]): void;
}

export function createTokenRegistry(): TokenRegistry;
export function createModel(settings: {
  readonly registry: TokenRegistry;
  readonly limits: Limits;
  readonly proxy: Pick<FaultProxy, 'exchanges' | 'peak'>;
}): Model;
