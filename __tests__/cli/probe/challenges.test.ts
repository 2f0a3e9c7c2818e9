import { parseChallenges } from '../../../lib/cli/probe/challenges.js';

const parse = (...values: readonly string[]) =>
  parseChallenges(values)?.map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('the challenges of a response', () => {
  it.each([
    [['Bearer'], [['bearer', {}]]],
    [['Bearer realm="api"'], [['bearer', { realm: 'api' }]]],
    [['Bearer realm=api, error = "invalid_token"'], [['bearer', { realm: 'api', error: 'invalid_token' }]]],
    [['Bearer realm="a \\"b\\", c"'], [['bearer', { realm: 'a "b", c' }]]],
    [['BEARER Realm="api"'], [['bearer', { realm: 'api' }]]],
    [
      ['Bearer realm="a", DPoP algs="ES256", error="x"'],
      [
        ['bearer', { realm: 'a' }],
        ['dpop', { algs: 'ES256', error: 'x' }],
      ],
    ],
    [
      ['Bearer', 'Basic realm="b"'],
      [
        ['bearer', {}],
        ['basic', { realm: 'b' }],
      ],
    ],
    [
      ['Negotiate YWJj==, Bearer'],
      [
        ['negotiate', {}],
        ['bearer', {}],
      ],
    ],
    [[', Bearer ,, realm="a",'], [['bearer', { realm: 'a' }]]],
    [[], []],
  ])('of %j are parsed', (values, expected) => {
    expect(parse(...values)).toEqual(expected);
  });

  it.each([
    'Bearer realm="api',
    'Bearer realm=my api',
    'Bearer realm="a", realm="b"',
    'Bearer realm="a", Realm="b"',
    'Bearer realm="a" error="b"',
    'Bearer realm="a", error=',
    'realm="api"',
    '"Bearer"',
    'Bearer realm="a"x',
  ])('of %s are malformed', (value) => {
    expect(parse(value)).toBeUndefined();
  });

  it('may be long', () => {
    expect(parse(`Bearer ${'a=b,'.repeat(3)}${','.repeat(20_000)}!`)).toBeUndefined();
    expect(parse(`Bearer realm="${'\\a'.repeat(20_000)}`)).toBeUndefined();
  });
});
