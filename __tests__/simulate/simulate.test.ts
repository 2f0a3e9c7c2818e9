import { startChild } from '../support/child.js';

const LIMIT_MS = 120_000;

async function simulate(...args: string[]): Promise<{ code: number | null; text: string }> {
  const child = startChild('bench/simulate.mjs', args);
  const code = await child.exit;
  return { code, text: `${child.lines.join('\n')}${child.errorOutput()}` };
}

describe('the simulation', () => {
  it(
    'runs each seed twice in the same way, and no rule is broken',
    async () => {
      const { code, text } = await simulate('--repeat', '--seeds=150', '--workers=1');
      expect(text).toBe('150 seeds ran twice, 0 of them differently: ');
      expect(code).toBe(0);
    },
    LIMIT_MS,
  );

  it(
    'finds planted bugs',
    async () => {
      const bugs = ['A revocation applies in its own process', 'A pause is as long as the endpoint asked for'];
      const { code, text } = await simulate(
        '--plant',
        ...bugs.map((bug) => `--bug=${bug}`),
        '--seeds=500',
        '--workers=1',
      );
      expect(text).toMatch(/^A revocation .*: seed \d+: token.*\nA pause .*: seed \d+: P.*$/);
      expect(code).toBe(0);
    },
    LIMIT_MS,
  );
});
