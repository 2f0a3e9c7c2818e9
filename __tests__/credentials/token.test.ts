import { B64_TOKEN } from '../../lib/core/syntax.js';
import { readToken } from '../../lib/credentials/read-credentials.js';
import { requireB64Token } from '../../lib/credentials/token.js';

const MALFORMED = expect.objectContaining({
  name: 'AuthError',
  status: 400,
  code: 'invalid_request',
  reason: 'malformed_credentials',
});
const TOO_LONG = expect.objectContaining({
  name: 'AuthError',
  status: 400,
  code: 'invalid_request',
  reason: 'token_too_long',
});

describe('a token', () => {
  it.each(['eyJhbGciOi.J9-_~+/==', 'a b', ' ', 'tökén', 'abc\r\n', '\ud800'])(
    'is passed on exactly as it came: %j',
    (token) => {
      expect(readToken(token)).toBe(token);
    },
  );

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['true', true],
    ['a symbol', Symbol('abc')],
    ['a function', () => 'abc'],
    ['a list', ['abc']],
    ['an object that turns into a token', { toString: () => 'abc' }],
    ['a String object', Object('abc')],
    ['an empty string', ''],
  ])('is rejected as malformed when it is %s', (_, candidate) => {
    expect(() => readToken(candidate)).toThrow(MALFORMED);
  });

  it('is accepted up to 8 kB and rejected beyond, whatever it holds', () => {
    for (const character of ['a', '=', '!', 'ö', '\ud800']) {
      expect(readToken(character.repeat(8192))).toHaveLength(8192);
      expect(() => readToken(character.repeat(8193))).toThrow(TOO_LONG);
    }
  });
});

describe('requireB64Token', () => {
  it.each(['a', 'abc', 'abc=', 'abc====', 'mF_9.B5f-4.1JqM', 'aZ09-._~+/==', '__proto__', 'a'.repeat(8192)])(
    'accepts %.20s',
    (token) => {
      expect(() => requireB64Token(token)).not.toThrow();
    },
  );

  it.each([
    ['nothing', ''],
    ['a space', ' '],
    ['a colon', 'a:b'],
    ['CR LF', 'abc\r\nX-Evil: 1'],
    ['two tokens', 'abc def'],
    ['a leading space', ' abc'],
    ['a trailing space', 'abc '],
    ['a tab', '\tabc'],
    ['a comma', 'abc,def'],
    ['a second credential', 'abc, Bearer def'],
    ['quotes', '"abc"'],
    ['padding first', '=abc'],
    ['padding in the middle', 'a=b'],
    ['only padding', '=='],
    ['a control character', 'abc\u0000'],
    ['a line feed at the end', 'abc\n'],
    ['a letter outside ASCII', 'tökén'],
    ['a letter that only looks alike', 'аbc'],
    ['a lone surrogate', 'abc\ud800'],
    ['a pair of surrogates', 'abc\u{1f600}'],
    ['a percent escape', 'a%20b'],
    ['an ampersand', 'abc&token=def'],
    ['a parameter', 'token=abc'],
  ])('rejects a token with %s as malformed', (_, token) => {
    expect(() => requireB64Token(token)).toThrow(MALFORMED);
  });

  it.each([
    ['letters and a character that is not allowed', (size: number) => `${'a'.repeat(size)}!`],
    ['padding and a letter', (size: number) => `a${'='.repeat(size)}a`],
    ['only padding', (size: number) => '='.repeat(size)],
    ['letters and padding by turns', (size: number) => 'a='.repeat(size / 2)],
  ])('takes time in proportion to the length to reject %s', (_, build) => {
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
    expect(median(640_000)).toBeLessThan(200 * Math.max(median(20_000), 0.05));
  });
});
