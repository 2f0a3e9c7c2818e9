import { setTimeout } from 'node:timers/promises';

/** Milliseconds on the machine's monotonic clock, which all its processes share. */
export function machineTime() {
  return Number(process.hrtime.bigint()) / 1e6;
}

export async function sleep(ms) {
  if (ms > 0) await setTimeout(ms);
}

/** What of sorted or unsorted numbers lies at a share of them, such as 0.99. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
