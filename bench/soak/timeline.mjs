const SECOND = 1000;

/** What happened in each second, for each API. */
export function createTimeline(start) {
  const rows = [];
  const rowAt = (at) => {
    const second = Math.max(0, Math.floor((at - start) / SECOND));
    while (rows.length <= second) rows.push({});
    return rows[second];
  };
  const add = (at, name, what) => {
    const row = rowAt(at);
    row[name] ??= { admitted: 0, old: 0, rejected: 0, unavailable: 0, asked: 0 };
    if (what !== undefined) row[name][what]++;
  };
  return {
    add(name, { sentAt, status, stale }) {
      add(sentAt, name, stale ? 'old' : status === 200 ? 'admitted' : status === 503 ? 'unavailable' : 'rejected');
    },
    asked: (name, { at }) => add(at, name, 'asked'),
    circuit(name, { at, state }) {
      add(at, name);
      if (state === 'open') rowAt(at)[name].opened = true;
    },
    rows: () => rows,
  };
}

export function percentiles(observations) {
  const sorted = observations.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  const at = (share) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(2));
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
