import { inspect } from 'node:util';
import {
  bearerToken,
  type ClientAuth,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  type Secret,
} from '../../lib/index.js';
import { signed } from '../support/signed.js';
import { recordWarnings } from '../support/warnings.js';

type Factory = (secret: Secret) => ClientAuth;

const FACTORIES: [string, string, Factory][] = [
  ['clientSecretBasic', 'secret', (secret) => clientSecretBasic('api', secret)],
  ['clientSecretPost', 'secret', (secret) => clientSecretPost('api', secret)],
  ['clientSecretJwt', 'secret', (clientSecret) => clientSecretJwt({ clientId: 'api', clientSecret })],
  ['bearerToken', 'token', (secret) => bearerToken(secret)],
];

describe.each(FACTORIES)('a secret of %s', (_, argument, create) => {
  it.each([
    ['a value', () => 'hush-1'],
    ['a promise', async () => 'hush-1'],
  ])('from a function that returns %s is fetched for every request, and not before', async (_, source) => {
    const secret = jest.fn<string | Promise<string>, []>(source);
    const clientAuth = create(secret);
    expect(secret).not.toHaveBeenCalled();
    for (const times of [1, 2, 3]) {
      await signed(clientAuth);
      expect(secret).toHaveBeenCalledTimes(times);
    }
  });

  it('from a function that throws or rejects makes signing fail', async () => {
    const failure = new Error('the vault is locked');
    const throws = () => {
      throw failure;
    };
    await expect(async () => signed(create(throws))).rejects.toBe(failure);
    await expect(signed(create(() => Promise.reject(failure)))).rejects.toBe(failure);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an empty string', '', 'an empty string'],
    ['a number', 8_675_309, 'an object that cannot be used'],
    ['a switch', true, 'an object that cannot be used'],
    ['bytes', Buffer.from('hush'), 'an object that cannot be used'],
    ['an object', { value: 'hush' }, 'an object that cannot be used'],
    ['a list', ['hush'], 'a list'],
    ['another function', () => 'hush', 'a function that cannot be used'],
  ])('from a function that returns %s makes signing fail without showing it', async (_, secret, told) => {
    const refusal = `: the ${argument} is ${told}. `;
    await expect(signed(create(() => secret as string))).rejects.toThrow(refusal);
    await expect(signed(create(async () => secret as string))).rejects.toThrow(refusal);
  });

  it('is not shown by an inspection of the client authentication', async () => {
    for (const clientAuth of [create('hush-1'), create(() => 'hush-1')]) {
      await signed(clientAuth);
      const shown = inspect(clientAuth, { depth: Infinity, showHidden: true }) + JSON.stringify(clientAuth);
      expect(shown).not.toMatch(/hush-1|aHVzaC0x/);
    }
  });
});

describe('a secret with whitespace around it', () => {
  const SECRETS: [string, Factory][] = FACTORIES.filter(([name]) => name !== 'bearerToken').map(([name, , create]) => [
    name,
    create,
  ]);

  it.each(SECRETS)('of %s is used unchanged, with a warning that does not show it', async (name, create) => {
    const warnings = recordWarnings();
    await signed(create('hush-1\n'));
    await signed(create(async () => ' hush-1'));
    create('hush-1 ');
    expect(warnings.map(({ code }) => code)).toEqual(Array(3).fill('SECRET_HAS_WHITESPACE'));
    expect(warnings[0]?.text).toMatch(
      new RegExp(`^${name}\\(.*\\): the secret ends with a line break, and is sent like that`),
    );
    expect(warnings[1]?.text).toContain('the secret begins with a space');
    expect(warnings[2]?.text).toContain('the secret ends with a space');
    expect(JSON.stringify(warnings)).not.toContain('hush');
  });

  it('causes one warning for a function', async () => {
    const warnings = recordWarnings();
    const clientAuth = clientSecretPost('api', () => 'hush-1\n');
    for (let time = 0; time < 3; time++) await signed(clientAuth);
    expect(warnings).toHaveLength(1);
  });

  it('causes no warning when the whitespace is inside', () => {
    const warnings = recordWarnings();
    clientSecretPost('api', 'hush 1');
    expect(warnings).toEqual([]);
  });
});

describe('a secret that changes', () => {
  it.each<[string, Factory, (secret: string) => object]>([
    [
      'clientSecretBasic',
      (secret) => clientSecretBasic('api', secret),
      (secret) => ({ headers: { authorization: `Basic ${btoa(`api:${secret}`)}` }, parameters: {} }),
    ],
    [
      'clientSecretPost',
      (secret) => clientSecretPost('api', secret),
      (secret) => ({ headers: {}, parameters: { client_id: 'api', client_secret: secret } }),
    ],
    [
      'bearerToken',
      (secret) => bearerToken(secret),
      (secret) => ({ headers: { authorization: `Bearer ${secret}` }, parameters: {} }),
    ],
  ])('is sent by %s from then on', async (_, create, sent) => {
    const secrets = ['old', 'new'];
    const clientAuth = create(() => secrets.shift() ?? '');
    expect(await signed(clientAuth)).toEqual(sent('old'));
    expect(await signed(clientAuth)).toEqual(sent('new'));
  });
});
