import { table } from '../report.mjs';
import { estimate } from './cost.mjs';
import { MAX_CALLS_PER_LIFETIME, REJECTION_P99_MS, REVOCATION_P99_MS, SIGNAL_P99_MS } from './targets.mjs';

const whole = (value) => Math.round(value).toLocaleString('en');
const fixed = (value, digits = 1) => (value === undefined ? '–' : value.toFixed(digits));

/** Renders the results as Markdown. */
export function renderFleetReport(results) {
  const {
    size,
    seconds,
    environment,
    calls,
    stampede,
    restart,
    revocations,
    clocks,
    signals,
    lifetimes,
    faults,
    cost,
    violations,
  } = results;
  const { node, redis, client, platform, cores, cpu, memoryGigabytes } = environment;
  const parts = [
    '# Results of the fleet',
    `Node ${node}, Redis ${redis}, redis (npm) ${client} on ${platform}, ${cores} × ${cpu}, ${memoryGigabytes} GB, all on loopback; ${size} run, ${seconds} s. Load average before the run: ${environment.load} on ${cores} cores.`,
    violations.length === 0
      ? 'There were no violations, and all targets were met.'
      : `**Violations and missed targets:**\n\n${violations.map((text) => `- ${text}`).join('\n')}`,
  ];
  const add = (value, heading, render) => value !== undefined && parts.push(`## ${heading}`, render(value));
  add(calls, 'Introspection requests', renderCalls);
  add(stampede, 'A new token at all instances at the same time', renderStampede);
  add(restart, 'A cold restart under load', renderRestart);
  if (revocations !== undefined || clocks !== undefined) {
    parts.push('## Revocations', renderRevocations({ 'same time': revocations, 'minutes apart': clocks }));
  }
  add(signals, 'Signals', renderSignals);
  if (lifetimes !== undefined) parts.push('## Lifetimes when clocks differ', renderLifetimes(lifetimes));
  add(faults, 'Faults of Redis', renderFaults);
  add(cost, 'Cost of a request for Redis', renderCost);
  add(results['cost-by-size'], 'Cost of a request for Redis by the number of instances', renderCostBySize);
  add(cost, 'An estimate for 1,000 instances and a million tokens', renderEstimate);
  return `${parts.join('\n\n')}\n`;
}

function renderCalls({ ttlSeconds, seconds, tokens, rows, inStep }) {
  return [
    `${tokens} tokens in use at all instances for ${seconds} s, with \`ttlSeconds: ${ttlSeconds}\`. Introspection requests per token and lifetime. The target with the store is at most ${MAX_CALLS_PER_LIFETIME}.`,
    table(
      [
        'instances',
        'per lifetime, with the store',
        'in all',
        'per lifetime, without it',
        'in all',
        'failures of the store',
      ],
      rows.map(({ instances, shared, unshared, storeFailures }) => [
        instances,
        fixed(shared.perLifetime, 2),
        shared.calls,
        fixed(unshared.perLifetime, 2),
        unshared.calls,
        storeFailures,
      ]),
    ),
    ...(inStep === undefined
      ? []
      : [
          `When each token is sent to all ${inStep.instances} instances within milliseconds once a second: ${fixed(inStep.shared.perLifetime, 2)} with the store, ${fixed(inStep.unshared.perLifetime, 2)} without it.`,
        ]),
  ].join('\n\n');
}

function renderStampede(rows) {
  return table(
    ['response time of the endpoint', 'instances', 'introspection requests per token'],
    rows.map(({ delayMs, instances, callsPerToken }) => [`${delayMs} ms`, instances, fixed(callsPerToken, 2)]),
  );
}

function renderRestart({ instances, tokens, perSecond, rows }) {
  return [
    `One of ${instances} instances is killed and restarted, with ${perSecond} requests per second for ${tokens} tokens. One in 60 requests has a new token. Half of the requests go to a middleware without the store.`,
    table(
      [
        'phase',
        'seconds',
        'introspection requests for known tokens, with the store',
        'without it',
        'for new tokens, with the store',
        'without it',
      ],
      rows.map(({ phase, seconds, known, unknown }) => [
        phase,
        fixed(seconds),
        known.shared,
        known.unshared,
        unknown.shared,
        unknown.unshared,
      ]),
    ),
  ].join('\n\n');
}

const KINDS = {
  accepted: 'no process accepts the token',
  all: 'all have responded with 401',
  token: 'of these: by token',
  sub: 'of these: by `sub`',
  control: 'for comparison: all reply to an empty message',
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
    `Milliseconds from \`invalidate()\` in one process until no process accepts the token (target: p99 below ${REVOCATION_P99_MS}), and until all have responded with 401 (target: p99 below ${REJECTION_P99_MS}). For the latter, one process sends an introspection request and the others wait for it. Each process is checked every 2 ms.`,
    table(['clocks', 'instances', '', 'count', 'p50', 'p99', 'max'], rows),
  ].join('\n\n');
}

function renderSignals({ instances, load, all, kinds, handling }) {
  const row = (name, { count, p50, p99, max }) => [name, count, fixed(p50), fixed(p99), fixed(max)];
  return [
    `Milliseconds from the response to a logout token (200) or a security event (202) in one of ${instances} processes until the last process accepts no token of the user any more (target: p99 at most ${SIGNAL_P99_MS}). 0 means that all had been told before the response. Each process is checked every 2 ms. Load average before this measurement: ${load}.`,
    table(
      ['', 'count', 'p50', 'p99', 'max'],
      [
        row('no process accepts a token', all),
        ...Object.entries(kinds).map(([name, values]) => row(`of these: by ${name}`, values)),
        row('for comparison: from the request to its response', handling),
      ],
    ),
  ].join('\n\n');
}

function renderLifetimes({ ttlSeconds, offsetsMs, tokens, callsPerToken, wrong }) {
  const behind = offsetsMs.slice(1).map((ms) => -ms / 1000);
  return `${tokens} tokens are introspected by one instance, then used by others whose clocks are ${behind.join(', ')} s behind (${fixed(callsPerToken, 2)} introspection requests per token), then revoked only at the endpoint. Responses other than 401 after \`ttlSeconds: ${ttlSeconds}\`: ${wrong.length === 0 ? 'none' : wrong.join('; ')}.`;
}

function renderFaults(rows) {
  return [
    'An independent model checks every response. Invalid tokens are rejected and valid ones accepted. Revoked tokens are rejected at once, within 5 seconds when Redis could not be read, and within `ttlSeconds` in any case. No request takes longer than its timeout.',
    table(
      [
        'Redis',
        'requests',
        'revocations',
        'p99 ms during the fault',
        'max ms',
        'all share again after s',
        'violations',
      ],
      rows.map(({ fault, requests, revocations, p99Millis, longestMillis, recoverySeconds, violations }) => [
        fault,
        requests,
        revocations ?? '–',
        fixed(p99Millis),
        fixed(longestMillis),
        fixed(recoverySeconds),
        violations.length === 0 ? 'none' : violations.join('; '),
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
        row('a token that is not cached', miss),
        row('a token that another instance has cached', shared),
        row('a token that this instance has cached', hit),
        row('a revocation by `sub`, two instances', revocation),
        row('an idle instance, per second', idlePerSecondAndInstance),
      ],
    ),
    `Memory of Redis: ${whole(bytes.entry)} bytes per entry, ${whole(bytes.revocation)} per revocation, ${whole(bytes.connection)} per connection. Connections per instance: ${fixed(connectionsPerInstance, 0)}.`,
  ].join('\n\n');
}

function renderCostBySize({ tokens, rows }) {
  const commands = (cost) => cost && (cost.eval ?? 0) + (cost.evalsha ?? 0);
  return [
    `Means over ${tokens} tokens. A first request goes to one instance, then one to each other instance.`,
    table(
      [
        'instances',
        'commands, not cached',
        'CPU µs of Redis, not cached',
        'commands, cached by another instance',
        'CPU µs of Redis, cached by another instance',
      ],
      rows.map(({ instances, miss, shared }) => [
        instances,
        fixed(commands(miss), 2),
        fixed(miss.micros, 1),
        fixed(commands(shared), 2),
        fixed(shared?.micros, 1),
      ]),
    ),
  ].join('\n\n');
}

function renderEstimate(cost) {
  const { instances, tokens, connections, connectionMegabytes, memoryMegabytes, idleCommandsPerSecond, rows } =
    estimate(cost);
  return [
    `Estimated from the table above, not measured. ${whole(instances)} instances hold ${whole(connections)} connections (${whole(connectionMegabytes)} MB) and send ${whole(idleCommandsPerSecond)} commands per second when idle. ${whole(tokens)} tokens in use take ${whole(memoryMegabytes)} MB of Redis. Other costs depend on how many instances use a token within the lifetime of its response:`,
    table(
      [
        '`ttlSeconds`',
        'instances that use a token',
        'introspection requests/s',
        'without the store',
        'Redis commands/s',
        'MB/s',
        'CPU of Redis for commands',
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
    'The CPU time is what Redis counts for commands. Reading and writing sockets is not included, and often takes more.',
  ].join('\n\n');
}
