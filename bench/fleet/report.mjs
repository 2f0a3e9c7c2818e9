import { table } from '../report.mjs';
import { estimate } from './cost.mjs';
import { MOST_CALLS_PER_LIFE, REFUSAL_P99_MS, REVOCATION_P99_MS } from './targets.mjs';

const whole = (value) => Math.round(value).toLocaleString('en');
const fixed = (value, digits = 1) => (value === undefined ? '–' : value.toFixed(digits));

/** The results as Markdown. */
export function renderFleetReport(results) {
  const { size, seconds, environment, calls, stampede, restart, revocations, clocks, lives, faults, cost, violations } =
    results;
  const { node, redis, client, platform, cores, cpu, memoryGigabytes } = environment;
  const parts = [
    '# Results of the fleet',
    `Node ${node}, Redis ${redis}, redis (npm) ${client} on ${platform}, ${cores} × ${cpu}, ${memoryGigabytes} GB, all on loopback; ${size} run, ${seconds} s. Load of the machine before: ${environment.load} on ${cores} cores.`,
    violations.length === 0
      ? 'All was as it should be.'
      : `**Not as it should be:**\n\n${violations.map((each) => `- ${each}`).join('\n')}`,
  ];
  const add = (value, heading, render) => value !== undefined && parts.push(`## ${heading}`, render(value));
  add(calls, 'Endpoint calls', renderCalls);
  add(stampede, 'A new token at all instances at once', renderStampede);
  add(restart, 'A cold restart under load', renderRestart);
  if (revocations !== undefined || clocks !== undefined) {
    parts.push('## Revocations', renderRevocations({ 'same time': revocations, 'minutes apart': clocks }));
  }
  if (lives !== undefined) parts.push('## Lives where clocks are apart', renderLives(lives));
  add(faults, 'Redis in trouble', renderFaults);
  add(cost, 'What a request costs Redis', renderCost);
  add(cost, 'An estimate for 1,000 instances and a million tokens', renderEstimate);
  return `${parts.join('\n\n')}\n`;
}

function renderCalls({ ttlSeconds, seconds, tokens, rows, inStep }) {
  return [
    `${tokens} tokens in use at all instances for ${seconds} s, with \`ttlSeconds: ${ttlSeconds}\`. Calls per token and life; the target with the store is at most ${MOST_CALLS_PER_LIFE}.`,
    table(
      ['instances', 'with the store', 'calls', 'without', 'calls', 'times the store was left alone'],
      rows.map(({ instances, shared, alone, storeFailures }) => [
        instances,
        fixed(shared.perLife, 2),
        shared.calls,
        fixed(alone.perLife, 2),
        alone.calls,
        storeFailures,
      ]),
    ),
    ...(inStep === undefined
      ? []
      : [
          `Where each token reaches all ${inStep.instances} instances within milliseconds, once a second: ${fixed(inStep.shared.perLife, 2)} with the store, ${fixed(inStep.alone.perLife, 2)} without.`,
        ]),
  ].join('\n\n');
}

function renderStampede(rows) {
  return table(
    ['the endpoint takes', 'instances', 'calls per token'],
    rows.map(({ delayMs, instances, callsPerToken }) => [`${delayMs} ms`, instances, fixed(callsPerToken, 2)]),
  );
}

function renderRestart({ instances, tokens, perSecond, rows }) {
  return [
    `One of ${instances} instances is killed and started again, at ${perSecond} requests a second over ${tokens} tokens; one in 60 requests brings a token that nobody has seen. Half of the requests go to a middleware without the store.`,
    table(
      [
        'phase',
        'seconds',
        'calls for known tokens, with the store',
        'without',
        'for new tokens, with the store',
        'without',
      ],
      rows.map(({ phase, seconds, known, unknown }) => [
        phase,
        fixed(seconds),
        known.shared,
        known.alone,
        unknown.shared,
        unknown.alone,
      ]),
    ),
  ].join('\n\n');
}

const KINDS = {
  accepted: 'none accepts any more',
  all: 'the last has answered 401',
  token: 'of these: by token',
  sub: 'of these: by `sub`',
  control: 'for comparison: all answer an empty message',
};

function renderRevocations(measured) {
  const rows = Object.entries(measured).flatMap(([clocks, values]) =>
    values === undefined
      ? []
      : ['accepted', 'all', 'token', 'sub', 'control'].map((kind) => {
          const { count, p50, p99, max } = values[kind];
          return [clocks, values.instances, KINDS[kind], count, fixed(p50), fixed(p99), fixed(max)];
        }),
  );
  return [
    `Milliseconds from \`invalidate()\` in one process until none accepts any more (the target is a p99 of less than ${REVOCATION_P99_MS}), and until the last has answered 401, for which one of them asks the endpoint anew and the others wait (${REFUSAL_P99_MS}). Each process is asked every 2 ms.`,
    table(['clocks', 'instances', '', 'times', 'p50', 'p99', 'most'], rows),
  ].join('\n\n');
}

function renderLives({ ttlSeconds, offsetsMs, tokens, callsPerToken, wrong }) {
  const behind = offsetsMs.slice(1).map((ms) => -ms / 1000);
  return `${tokens} tokens are asked about by one instance, then used by others whose clocks are ${behind.join(', ')} s behind its own (${fixed(callsPerToken, 2)} calls a token), then revoked at the endpoint alone. \`ttlSeconds: ${ttlSeconds}\` after the question, what was answered otherwise than by 401: ${wrong.length === 0 ? 'nothing' : wrong.join('; ')}.`;
}

function renderFaults(rows) {
  return [
    'Every request is held against an independent model: bad tokens are refused, good ones accepted, revoked ones refused at once, within 5 seconds where Redis could not be read, and within `ttlSeconds` whatever happens; nothing takes longer than its deadline.',
    table(
      ['Redis', 'requests', 'revocations', 'p99 ms meanwhile', 'longest ms', 'all share again after s', 'wrong'],
      rows.map(({ fault, requests, revocations, p99Millis, longestMillis, recoverySeconds, violations }) => [
        fault,
        requests,
        revocations ?? '–',
        fixed(p99Millis),
        fixed(longestMillis),
        fixed(recoverySeconds),
        violations.length === 0 ? 'nothing' : violations.join('; '),
      ]),
    ),
  ].join('\n\n');
}

function renderCost({
  tokens,
  idlePerSecondAndInstance,
  miss,
  shared,
  hit,
  revocation,
  bytes,
  connectionsPerInstance,
}) {
  const row = (name, cost) => [
    name,
    ...['eval', 'xread', 'bytesIn', 'bytesOut', 'micros'].map((key) =>
      fixed(cost[key] ?? 0, key.startsWith('b') ? 0 : 2),
    ),
  ];
  return [
    `Means over ${tokens} tokens with ten claims each, two instances.`,
    table(
      ['', 'EVAL', 'XREAD', 'bytes in', 'bytes out', 'CPU µs of Redis'],
      [
        row('a token nobody knows', miss),
        row('a token another instance knows', shared),
        row('a token this instance knows', hit),
        row('a revocation by `sub`, two instances', revocation),
        row('an idle instance, a second', idlePerSecondAndInstance),
      ],
    ),
    `Memory of Redis: ${whole(bytes.entry)} bytes an entry, ${whole(bytes.revocation)} a revocation, ${whole(bytes.connection)} a connection. Connections: ${fixed(connectionsPerInstance, 0)} an instance.`,
  ].join('\n\n');
}

function renderEstimate(cost) {
  const { instances, tokens, connections, connectionMegabytes, memoryMegabytes, idleCommandsPerSecond, rows } =
    estimate(cost);
  return [
    `Worked out from the table above, not measured. ${whole(instances)} instances hold ${whole(connections)} connections (${whole(connectionMegabytes)} MB) and send ${whole(idleCommandsPerSecond)} commands a second when idle; ${whole(tokens)} tokens in use take ${whole(memoryMegabytes)} MB of Redis. What else it costs depends on how many instances meet a token within one life of its answer:`,
    table(
      [
        '`ttlSeconds`',
        'instances that meet a token',
        'endpoint calls/s',
        'without the store',
        'Redis commands/s',
        'MB/s',
        'CPU of Redis in commands',
      ],
      rows.map((row) => [
        row.ttlSeconds,
        row.meetings,
        whole(row.endpointCallsPerSecond),
        whole(row.endpointCallsPerSecondAlone),
        whole(row.commandsPerSecond),
        whole(row.megabytesPerSecond),
        `${whole(row.cpuShare * 100)} %`,
      ]),
    ),
    'The CPU is what Redis counts inside commands; reading and writing sockets comes on top of it, and often is more.',
  ].join('\n\n');
}
