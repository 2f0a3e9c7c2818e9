import { table } from '../report.mjs';

const APIS = { strict: 'no old answers (the default)', lenient: '`staleIfErrorSeconds: 20`' };

/** The results as Markdown. */
export function renderSoak({ seed, seconds, node, platform, cpu, limits, apis, phases, violations, violationCount }) {
  const troubles = phases.filter(({ flaps }, index) => !flaps || !phases[index - 1]?.flaps);
  const rows = (what) => Object.entries(apis).map(([name, api]) => [APIS[name], ...what(api)]);
  return `${[
    '# Soak',
    `Seed ${seed}, ${seconds} s, Node ${node} on ${platform}, ${cpu}. \`timeoutMs\` ${limits.timeoutMs}, \`ttlSeconds\` ${limits.ttlMs / 1000}; ${troubles.length} troubles.`,
    violationCount === 0
      ? '**Nothing was other than promised.**'
      : `**${violationCount} times something was not as promised**, first:\n\n${violations
          .slice(0, 10)
          .map((violation) => `- ${JSON.stringify(violation)}`)
          .join('\n')}`,
    '![Over time](timeline.svg)',
    table(
      ['API', 'requests', '200', 'of them old', '401 or 403', '503', 'endpoint calls seen', 'most at once'],
      rows(({ requests, statuses: of, questions, peak }) => [
        requests,
        (of[200] ?? 0) + (of['200, an old answer'] ?? 0),
        of['200, an old answer'] ?? 0,
        (of[401] ?? 0) + (of[403] ?? 0),
        of[503] ?? 0,
        questions,
        peak,
      ]),
    ),
    '## The authorization server is killed and restarted',
    table(
      [
        'API',
        'requests while it was down',
        '200',
        '200 on an old answer',
        '503',
        'of them not at once',
        'circuit open after ms',
        'closed after restart, ms',
      ],
      rows(({ killed }) => [
        killed.requests,
        killed.admitted,
        killed.admittedOnOldAnswers,
        killed.unavailable,
        killed.unavailableButNotByTheBreaker,
        killed.openedAfterMs,
        killed.closedAfterRestartMs,
      ]),
    ),
    'Latency as its client saw it, in milliseconds. Compare the rows, not the figures of two machines.',
    table(
      ['API', 'answers', 'count', 'p50', 'p90', 'p99', 'greatest'],
      Object.entries(apis).flatMap(([name, { killed }]) =>
        Object.entries(killed.latencyMs).map(([what, { count, p50, p90, p99, max }]) => [
          APIS[name],
          what,
          count,
          p50,
          p90,
          p99,
          max,
        ]),
      ),
    ),
    '## What it holds on to',
    table(
      ['API', 'heap before, MB', 'heap after, MB', 'sockets', 'timers'],
      rows(({ weight: { before, after } }) => [
        before.heapMegabytes.toFixed(1),
        after.heapMegabytes.toFixed(1),
        `${before.sockets} → ${after.sockets}`,
        `${before.timers} → ${after.timers}`,
      ]),
    ),
    '## Codes of the 503s, and what the circuit breaker did',
    ...Object.entries(apis).map(
      ([name, { codes, circuit }]) => `${APIS[name]}: ${list(codes)}. Circuit: ${list(circuit)}.`,
    ),
  ].join('\n\n')}\n`;
}

function list(counts) {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
