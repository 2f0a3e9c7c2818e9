import { startChild } from '../support/child.js';
import { describeWithRedis } from '../support/redis-server.js';

describeWithRedis('streams and sockets on two processes over one Redis', () => {
  it('end exactly when a model says, and leave nothing behind', async () => {
    // The seed chooses what happens to each token. Times are generous here; `npm run streams` measures them.
    const soak = startChild('bench/streams.mjs', ['--quick', '--seed=7', '--patience=50']);
    const code = await soak.exit;
    const output = soak.lines.join('\n');
    expect([code, output]).toEqual([0, expect.stringContaining('Violations: none')]);
    expect(output).toMatch(/not properly: \*\*0\*\* of 72/);
    expect(output).toMatch(/valid, and were open at the end of the schedule: [1-9]/);
  }, 120_000);
});
