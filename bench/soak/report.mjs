import { table } from '../report.mjs';

const APIS = { strict: 'without stale responses (default)', lenient: '`staleIfErrorSeconds: 20`' };

/** Renders the results as Markdown. */
export function renderSoak({ seed, seconds, node, platform, cpu, limits, apis, phases, violations, violationCount }) {
  const rows = (columnsOf) => Object.entries(apis).map(([name, api]) => [APIS[name], ...columnsOf(api)]);
  return `${[
    '# Soak',
    `Seed ${seed}, ${seconds} s, Node ${node} on ${platform}, ${cpu}. \`timeoutMs\` ${limits.timeoutMs}, \`ttlSeconds\` ${limits.ttlMs / 1000}; ${countFaults(phases)} faults.`,
    violationCount === 0
      ? '**There were no violations.**'
      : `**${violationCount} violations.** The first ones:\n\n${violations
          .slice(0, 10)
          .map((violation) => `- ${JSON.stringify(violation)}`)
          .join('\n')}`,
    '![Over time](timeline.svg)',
    table(
      ['API', 'requests', '200', 'of them stale', '401 or 403', '503', 'introspection requests', 'max concurrent'],
      rows(({ requests, statuses, calls, peak }) => [
        requests,
        (statuses[200] ?? 0) + (statuses['200, stale'] ?? 0),
        statuses['200, stale'] ?? 0,
        (statuses[401] ?? 0) + (statuses[403] ?? 0),
        statuses[503] ?? 0,
        calls,
        peak,
      ]),
    ),
    '## The authorization server is killed and restarted',
    table(
      [
        'API',
        'requests while it was down',
        '200',
        '200, stale',
        '503',
        'of them before the circuit breaker opened',
        'circuit breaker open after ms',
        'closed after the restart, ms',
      ],
      rows(({ killed }) => [
        killed.requests,
        killed.accepted,
        killed.acceptedStale,
        killed.unavailable,
        killed.unavailableNotByBreaker,
        killed.openedAfterMs,
        killed.closedAfterRestartMs,
      ]),
    ),
    'Latency at the client, in milliseconds. Compare rows of one run, not runs of different machines.',
    table(
      ['API', 'responses', 'count', 'p50', 'p90', 'p99', 'max'],
      Object.entries(apis).flatMap(([name, { killed }]) =>
        Object.entries(killed.latencyMs).map(([kind, { count, p50, p90, p99, max }]) => [
          APIS[name],
          kind,
          count,
          p50,
          p90,
          p99,
          max,
        ]),
      ),
    ),
    '## Memory, sockets and timers',
    table(
      ['API', 'heap before, MB', 'heap after, MB', 'sockets', 'timers'],
      rows(({ resources: { before, after } }) => [
        before.heapMegabytes.toFixed(1),
        after.heapMegabytes.toFixed(1),
        `${before.sockets} → ${after.sockets}`,
        `${before.timers} → ${after.timers}`,
      ]),
    ),
    '## Error codes of the 503s, and events of the circuit breaker',
    ...Object.entries(apis).map(
      ([name, { codes, circuit }]) => `${APIS[name]}: ${list(codes)}. Circuit breaker: ${list(circuit)}.`,
    ),
  ].join('\n\n')}\n`;
}

/** A fault that is switched on and off in short phases counts once. */
export function countFaults(phases) {
  return phases.filter(({ flaps }, index) => !flaps || !phases[index - 1]?.flaps).length;
}

function list(counts) {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
