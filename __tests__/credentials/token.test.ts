import { parseToken } from '../../lib/credentials/token.js';
import { B64_TOKEN } from '../../lib/grammar.js';

const MALFORMED = expect.objectContaining({ name: 'AuthError', status: 400, reason: 'malformed_credentials' });

describe('a token', () => {
  it('is handed on exactly as it came', () => {
    expect(parseToken('eyJhbGciOi.J9-_~+/==')).toBe('eyJhbGciOi.J9-_~+/==');
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['a list', ['abc']],
    ['an object that turns into a token', { toString: () => 'abc' }],
    ['a String object', Object('abc')],
    ['an empty string', ''],
    ['a space', ' '],
    ['a colon', 'a:b'],
    ['CR LF', 'abc\r\nX-Evil: 1'],
  ])('is refused as malformed when it is %s', (_, candidate) => {
    expect(() => parseToken(candidate)).toThrow(MALFORMED);
  });

  it.each([
    ['letters and a character that is not allowed', (size: number) => `${'a'.repeat(size)}!`],
    ['padding and a letter', (size: number) => `a${'='.repeat(size)}a`],
    ['padding alone', (size: number) => '='.repeat(size)],
    ['letters and padding by turns', (size: number) => 'a='.repeat(size / 2)],
  ])('takes time in proportion to its length to refuse %s', (_, build) => {
    const median = (size: number) => {
      const candidate = build(size);
      const times = Array.from({ length: 7 }, () => {
        const started = performance.now();
        expect(B64_TOKEN.test(candidate)).toBe(false);
        return performance.now() - started;
      });
      return times.sort((a, b) => a - b)[3] as number;
    };
    // Thirty-two times the length: a backtracking pattern would take a thousand times as long.
    expect(median(3_200_000)).toBeLessThan(200 * Math.max(median(100_000), 0.05));
  });
});
