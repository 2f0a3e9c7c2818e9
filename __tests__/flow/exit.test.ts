import { join } from 'node:path';
import { ROOT, startChild } from '../support/child.js';

const SCRIPT = join(ROOT, '__tests__/support/run-breaker.cjs');

describe('a process that closes the middleware while the circuit breaker is open', () => {
  it.each(['fail', 'hang'])(
    'exits by itself, with an endpoint that did %s',
    async (how) => {
      const { exit, lines, errorOutput } = startChild(SCRIPT, [how]);
      expect([await exit, errorOutput()]).toEqual([0, '']);
      expect(lines).toEqual(['known true', 'circuit open', 'then circuit_open', 'closed closed']);
    },
    30_000,
  );
});
