import { bearerToken, clientSecretBasic, clientSecretJwt, clientSecretPost } from '../../../lib/index.js';

type Factory = (id: unknown, secret: unknown) => unknown;

const FACTORIES: [string, Factory][] = [
  ['clientSecretBasic', (id, secret) => clientSecretBasic(id as string, secret as string)],
  ['clientSecretPost', (id, secret) => clientSecretPost(id as string, secret as string)],
  ['clientSecretJwt', (id, secret) => clientSecretJwt({ clientId: id as string, clientSecret: secret as string })],
];

const WRONG: [string, unknown, string][] = [
  ['missing', undefined, 'missing'],
  ['null', null, 'null'],
  ['empty', '', 'an empty string'],
  ['an object', { value: 'hush' }, 'an object that cannot be used'],
  ['a list', ['hush'], 'a list'],
  ['a function', () => 'hush', 'a function that cannot be used'],
];

/** A function is one way to give a secret. */
const WRONG_SECRETS = WRONG.filter(([, given]) => typeof given !== 'function');

describe.each(FACTORIES)('%s', (_, create) => {
  it.each(WRONG)('refuses an identifier that is %s', (_, id, told) => {
    expect(() => create(id, 'hush')).toThrow(
      new TypeError(`Option "clientId" is ${told}; write the client's identifier, a non-empty string`),
    );
  });

  it.each(WRONG_SECRETS)('refuses a secret that is %s', (_, secret, told) => {
    expect(() => create('api', secret)).toThrow(
      new TypeError(`Option "clientSecret" is ${told}; write a non-empty string; is the environment variable set?`),
    );
  });

  it('shows no secret that is a number', () => {
    expect(() => create('api', 8_675_309)).toThrow(/^Option "clientSecret" is (?!.*8675309)/);
  });
});

describe('bearerToken', () => {
  it.each(WRONG_SECRETS)('refuses a token that is %s', (_, token, told) => {
    expect(() => bearerToken(token as string)).toThrow(
      new TypeError(`Option "token" is ${told}; write a non-empty string; is the environment variable set?`),
    );
  });
});
