import { isB64Token } from '../../lib/b64token.js';
import { parseToken } from '../../lib/credentials/token.js';

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
    ['letters and a character that is not allowed', `${'a'.repeat(2_000_000)}!`],
    ['padding and a letter', `a${'='.repeat(2_000_000)}a`],
    ['padding alone', '='.repeat(2_000_000)],
    ['letters and padding by turns', 'a='.repeat(1_000_000)],
  ])('is judged without delay when it is millions of %s', (_, candidate) => {
    const started = performance.now();
    expect(isB64Token(candidate)).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
