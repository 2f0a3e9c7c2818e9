import { runCommand } from '../support/command.js';

/** Control characters, which a terminal interprets, and characters that change the direction of text. */
const UNPRINTABLE = /[\p{Cc}\u202e]/u;
const CLEAR = '\u001b[2J\u009b2J\u007f\u202e';

describe('the command prints no control character of its arguments', () => {
  it.each([
    [[`check${CLEAR}`]],
    [['check', `--${CLEAR}`]],
    [['check', '--env-file', `missing${CLEAR}`]],
    [['check', '--endpoint', 'https://as.example.com', '--method', 'private_key_jwt', '--key', `missing${CLEAR}`]],
    [['check', '--provider', 'hydra', '--option-env', `apiKey=MISSING${CLEAR}`]],
    [['check', '--provider', 'hydra', '--option', `secret${CLEAR}=x`]],
    [['check', '--provider', 'hydra', '--option', `${CLEAR}=x`]],
    [['init', '--provider', `x${CLEAR}`]],
  ])('of %j, in a message', async (words) => {
    const { code, out, err } = await runCommand(words);
    expect([code, out]).toEqual([2, '']);
    expect(err).not.toBe('');
    expect(err).not.toMatch(UNPRINTABLE);
  });

  it('in JSON', async () => {
    const { out } = await runCommand(['check', '--json', '--env-file', `missing${CLEAR}`]);
    expect(out.replaceAll('\n', '')).not.toMatch(UNPRINTABLE);
    expect(JSON.parse(out)).toEqual({ error: `--env-file missing${CLEAR} cannot be read (ENOENT)` });
  });

  it('in the next steps after init', async () => {
    const { code, out } = await runCommand(['init', '--yes', '--directory', `app${CLEAR}`]);
    expect(code).toBe(0);
    expect(out.replaceAll('\n', '')).not.toMatch(UNPRINTABLE);
    expect(out).toContain('cd "app\\u001b[2J\\u009b2J\\u007f\\u202e"');
  });
});

describe('the command reads only variables that are set', () => {
  it.each(['toString', 'constructor', '__proto__'])('and not %s, which every object has', async (name) => {
    const words = ['check', '--provider', 'hydra', '--option', 'adminUrl=https://hydra.example.com'];
    const { code, err } = await runCommand([...words, '--option-env', `apiKey=${name}`]);
    expect([code, err]).toEqual([2, `The environment variable ${name} is not set`]);
  });
});
