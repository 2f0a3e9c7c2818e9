const SECOND = 1000;

/** Counts the responses and introspection requests of each API in each second. */
export function createTimeline(start) {
  const rows = [];
  const rowAt = (at) => {
    const second = Math.max(0, Math.floor((at - start) / SECOND));
    while (rows.length <= second) rows.push({});
    return rows[second];
  };
  const add = (at, name, kind) => {
    const row = rowAt(at);
    row[name] ??= { accepted: 0, stale: 0, rejected: 0, unavailable: 0, calls: 0 };
    if (kind !== undefined) row[name][kind]++;
  };
  return {
    add(name, { sentAt, status, stale }) {
      add(sentAt, name, stale ? 'stale' : status === 200 ? 'accepted' : status === 503 ? 'unavailable' : 'rejected');
    },
    addCall: (name, { at }) => add(at, name, 'calls'),
    circuit(name, { at, state }) {
      add(at, name);
      if (state === 'open') rowAt(at)[name].opened = true;
    },
    rows: () => rows,
  };
}

export function percentiles(observations) {
  const sorted = observations.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  const quantile = (share) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(2));
  return { count: sorted.length, p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), max: quantile(1) };
}
