import { setTimeout } from 'node:timers/promises';

/** Milliseconds of the machine's monotonic clock, which is the same for all processes. */
export function machineTime() {
  return Number(process.hrtime.bigint()) / 1e6;
}

export async function sleep(ms) {
  if (ms > 0) await setTimeout(ms);
}

/** A quantile of numbers, such as 0.99. They need not be sorted. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
