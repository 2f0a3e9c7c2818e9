import { clientSecretBasic } from '../../lib/index.js';
import { signed } from '../support/signed.js';

const CLIENT_ID = '1PpG/Q 1';
const CLIENT_SECRET = 'z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=';

describe('clientSecretBasic', () => {
  it('form-encodes identifier and secret before Basic (RFC 6749 section 2.3.1)', async () => {
    expect(await signed(clientSecretBasic(CLIENT_ID, CLIENT_SECRET))).toEqual({
      headers: {
        authorization:
          'Basic MVBwRyUyRlErMTp6JTJGdFo5VndGWnFBcG1JUSUyQlpIMUk1cExrJTJGdUI0dWQlM0FYMiUyRjhiTCUyQndmRlR0MXJGdyUzRA==',
      },
      parameters: {},
    });
  });

  it.each([
    ['plain', 'api', 'secret', 'api:secret'],
    ['a colon in both', 'a:b', 'c:d', 'a%3Ab:c%3Ad'],
    ['a percent sign', 'a', '100%', 'a:100%25'],
    ['a plus and a space', 'a', '+ +', 'a:%2B+%2B'],
    ['letters outside ASCII', 'ü', '€', '%C3%BC:%E2%82%AC'],
    ['what form-encoding leaves alone', 'a*-._', "z~!'()", 'a*-._:z%7E%21%27%28%29'],
  ])('sends %s so that a server decodes it', async (_, id, secret, userPass) => {
    const { headers } = await signed(clientSecretBasic(id, secret));
    expect(Buffer.from(String(headers.authorization).slice('Basic '.length), 'base64').toString()).toBe(userPass);
    const decoded = new URLSearchParams(userPass.replace(':', '=')).entries().next().value;
    expect(decoded).toEqual([id, secret]);
  });

  it('sends them unencoded with encode: false', async () => {
    const { headers } = await signed(clientSecretBasic(CLIENT_ID, CLIENT_SECRET, { encode: false }));
    expect(headers.authorization).toBe(
      'Basic MVBwRy9RIDE6ei90WjlWd0ZacUFwbUlRK1pIMUk1cExrL3VCNHVkOlgyLzhiTCt3ZkZUdDFyRnc9',
    );
  });

  it('sends an empty secret only with allowEmptySecret', async () => {
    const { headers } = await signed(clientSecretBasic('api', '', { allowEmptySecret: true }));
    expect(headers.authorization).toBe(`Basic ${Buffer.from('api:').toString('base64')}`);
    expect(() => clientSecretBasic('api', '')).toThrow(
      new TypeError("clientSecretBasic('api', secret): the secret is an empty string. Is CLIENT_SECRET set?"),
    );
    expect(() => clientSecretBasic('api', undefined, { allowEmptySecret: true })).toThrow(
      new TypeError("clientSecretBasic('api', secret): the secret is undefined. Is CLIENT_SECRET set?"),
    );
  });

  it.each([
    ['a colon in the identifier', 'a:b', 'secret', 'clientId', 'a colon or a control character'],
    ['a line feed in the identifier', 'a\nb', 'secret', 'clientId', 'a colon or a control character'],
    ['a line feed in the secret', 'api', 'sec\nret', 'clientSecret', 'a control character'],
    ['a C1 control in the secret', 'api', 'sec\u0085ret', 'clientSecret', 'a control character'],
  ])('rejects %s with encode: false', (_, id, secret, option, what) => {
    expect(() => clientSecretBasic(id, secret, { encode: false })).toThrow(
      new TypeError(`Option "${option}" is a string that cannot be used; with encode: false it cannot hold ${what}`),
    );
    expect(() => clientSecretBasic(id, secret)).not.toThrow();
  });

  it.each<[string, object, string]>([
    ['encoding', { encoding: true }, 'Option "encoding" is not known here; write one of encode, allowEmptySecret'],
    ['encode', { encode: 'no' }, 'Option "encode" is a string that cannot be used; write true or false'],
    ['allowEmptySecret', { allowEmptySecret: 1 }, 'Option "allowEmptySecret" is 1; write true or false'],
  ])('rejects an unknown or wrong option: %s', (_, options, message) => {
    expect(() => clientSecretBasic('api', 'secret', options)).toThrow(new TypeError(message));
    expect(() => clientSecretBasic('api', 'secret', { encode: undefined, allowEmptySecret: undefined })).not.toThrow();
  });

  it('encodes the secret of a function in the same way', async () => {
    expect(await signed(clientSecretBasic(CLIENT_ID, async () => CLIENT_SECRET))).toEqual(
      await signed(clientSecretBasic(CLIENT_ID, CLIENT_SECRET)),
    );
    expect(await signed(clientSecretBasic(CLIENT_ID, () => CLIENT_SECRET, { encode: false }))).toEqual(
      await signed(clientSecretBasic(CLIENT_ID, CLIENT_SECRET, { encode: false })),
    );
  });

  it('rejects the secret of a function that it would reject as a value', async () => {
    await expect(signed(clientSecretBasic('api', () => 'sec\nret', { encode: false }))).rejects.toThrow(
      new TypeError(
        'Option "clientSecret" is a string that cannot be used; with encode: false it cannot hold a control character',
      ),
    );
    await expect(signed(clientSecretBasic('api', () => ''))).rejects.toThrow(TypeError);
    const { headers } = await signed(clientSecretBasic('api', () => '', { allowEmptySecret: true }));
    expect(headers.authorization).toBe(`Basic ${btoa('api:')}`);
  });

  it('has the client in its identity, and never the secret', () => {
    expect(clientSecretBasic('api', 'hush').identity).toBe('client:api');
    expect(JSON.stringify(clientSecretBasic('api', 'hush'))).not.toContain('hush');
  });
});
