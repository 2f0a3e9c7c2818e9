import type { Fault } from './proxy.mjs';

export interface Phase {
  readonly fault: Fault;
  readonly from: number;
  readonly until: number;
  /** Whether it is one of several short phases in a row. */
  readonly flaps: boolean;
}

type Range = readonly [min: number, max: number];

export function createRandom(seed: number): () => number;
export function pick<T>(random: () => number, list: readonly T[]): T;
export function faultKinds(timeoutMs: number): Fault[];
export function isOutage(fault: Fault, timeoutMs: number): boolean;
export function createSchedule(settings: {
  readonly seed: number;
  readonly from: number;
  readonly until: number;
  readonly timeoutMs: number;
  readonly troubleMs: Range;
  readonly calmMs: Range;
}): Phase[];
export function nameOf(fault: Fault): string;
