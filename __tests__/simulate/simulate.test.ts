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
      const { code, text } = await simulate('--repeat', '--seeds=300', '--workers=1');
      expect(text).toBe('300 seeds ran twice, 0 of them differently: ');
      expect(code).toBe(0);
    },
    LIMIT_MS,
  );

  it.each([
    'A revocation applies in its own process before the store has it',
    'A pause is as long as the endpoint asked for',
  ])(
    'finds a planted bug: %s',
    async (bug) => {
      const { code, text } = await simulate('--plant', `--bug=${bug}`, '--seeds=500', '--workers=1');
      expect(text).toMatch(/: seed \d+: .* \(\d+ seeds, .* s\)$/);
      expect(code).toBe(0);
    },
    LIMIT_MS,
  );
});
