const CAUSES = {
  invalidation: 'an invalidation in one of the processes',
  exp: '`exp`',
  silent: 'a revocation only at the authorization server',
};

export function renderStreamsReport({
  plan,
  clients,
  stillOpen,
  faults,
  lateness,
  heapKilobytes,
  open,
  cpuMsPerSecond,
  violations,
}) {
  const rows = Object.entries(lateness).map(
    ([kind, { count, median, p99, max }]) => `| ${CAUSES[kind]} | ${count} | ${median} ms | ${p99} ms | ${max} ms |`,
  );
  const heaps = heapKilobytes.map(({ before, during, after }, index) => {
    const perStream = open.during[index] === 0 ? 0 : (during - before) / open.during[index];
    return `| ${index + 1} | ${open.during[index]} | ${before} kB | ${during} kB (${perStream.toFixed(1)} kB a stream) | ${after} kB |`;
  });
  const { withoutStreams, withIdleStreams } = cpuMsPerSecond;
  return `# Streams that end with their token: results

${plan.streams} event streams and ${plan.sockets} sockets of Socket.IO, with ${plan.tokens} tokens, on ${plan.processes} processes that share a Redis. Tokens were revoked, expired and logged out for ${plan.seconds} seconds, by a schedule of the seed ${plan.seed}. Responses are used for ${plan.ttlSeconds} seconds. A model in another file says which streams must be open.

- Streams that ended too early, too late or not properly: **${faults.length}** of ${clients}
- Streams of tokens that stayed valid, and were open at the end of the schedule: ${stillOpen}
- Violations: ${violations.length === 0 ? 'none' : violations.join('; ')}

| the token ended by | streams | median | 99 % | latest |
|---|---|---|---|---|
${rows.join('\n')}

An invalidation may take 100 ms and \`exp\` 1 second. A revocation that no process is told of may take ${plan.ttlSeconds + 1} seconds.

| process | streams | heap before | with all streams | after all have ended |
|---|---|---|---|---|
${heaps.join('\n')}

The heap of a stream includes its connection and the objects of Node and Socket.IO. CPU time of all processes in a second: ${withoutStreams} ms without streams${withIdleStreams === undefined ? '' : `, ${withIdleStreams} ms with all streams idle`}.
`;
}
