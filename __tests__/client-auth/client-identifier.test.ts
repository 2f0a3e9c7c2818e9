import { bearerToken, clientSecretBasic, clientSecretJwt, clientSecretPost } from '../../lib/index.js';

type Factory = (id: unknown, secret: unknown) => unknown;

const FACTORIES: [string, Factory, call: string][] = [
  [
    'clientSecretBasic',
    (id, secret) => clientSecretBasic(id as string, secret as string),
    "clientSecretBasic('reports-api', secret)",
  ],
  [
    'clientSecretPost',
    (id, secret) => clientSecretPost(id as string, secret as string),
    "clientSecretPost('reports-api', secret)",
  ],
  [
    'clientSecretJwt',
    (id, secret) => clientSecretJwt({ clientId: id as string, clientSecret: secret as string }),
    "clientSecretJwt({ clientId: 'reports-api', clientSecret })",
  ],
];

const WRONG: [string, unknown, string][] = [
  ['missing', undefined, 'missing'],
  ['null', null, 'null'],
  ['empty', '', 'an empty string'],
  ['an object', { value: 'hush' }, 'an object that cannot be used'],
  ['a list', ['hush'], 'a list'],
  ['a function', () => 'hush', 'a function that cannot be used'],
];

/** A secret may also be a function, so functions are not in this list. */
const WRONG_SECRETS = WRONG.filter(([, given]) => typeof given !== 'function');

/** Description of a wrong secret and its remedy, as the error has them. */
function refusal(told: string, variable = 'CLIENT_SECRET'): string {
  if (told === 'missing') return `undefined. Is ${variable} set?`;
  if (told === 'an empty string') return `${told}. Is ${variable} set?`;
  return `${told}. Write a string, or a function that returns one.`;
}

describe.each(FACTORIES)('%s', (_, create, call) => {
  it.each(WRONG)('rejects an identifier that is %s', (_, id, told) => {
    expect(() => create(id, 'hush')).toThrow(
      new TypeError(`Option "clientId" is ${told}; write the client identifier, a non-empty string`),
    );
  });

  it.each(WRONG_SECRETS)('rejects a secret that is %s, and shows the call', (_, secret, told) => {
    expect(() => create('reports-api', secret)).toThrow(new TypeError(`${call}: the secret is ${refusal(told)}`));
  });

  it('shows no secret that is a number', () => {
    expect(() => create('api', 8_675_309)).toThrow(/: the secret is (?!.*8675309)/);
  });

  it('shows no control characters of an identifier', () => {
    expect(() => create('\u001b[2J', undefined)).toThrow('\\u001b[2J');
  });
});

describe('bearerToken', () => {
  it.each(WRONG_SECRETS)('rejects a token that is %s', (_, token, told) => {
    expect(() => bearerToken(token as string)).toThrow(
      new TypeError(`bearerToken(token): the token is ${refusal(told, 'the environment variable')}`),
    );
  });
});
