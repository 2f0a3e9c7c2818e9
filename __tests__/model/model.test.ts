import { startChild } from '../support/child.js';

const LIMIT_MS = 120_000;

describe('the model checker', () => {
  it(
    'finds no violation in all orders of six events of two processes',
    async () => {
      const model = startChild('bench/model.mjs', ['--events=6', '--workers=1']);
      expect([await model.exit, model.errorOutput()]).toEqual([0, '']);
      expect(model.lines.join('\n')).toMatch(/^\d{4} states, .* all$/m);
    },
    LIMIT_MS,
  );

  it(
    'finds a violation without each of the guards',
    async () => {
      const model = startChild('bench/model.mjs', ['--replay']);
      expect([await model.exit, model.errorOutput()]).toEqual([0, '']);
      expect(model.lines.length).toBeGreaterThan(20);
    },
    LIMIT_MS,
  );
});
