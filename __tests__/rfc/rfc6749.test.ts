import { bearerToken, clientSecretBasic, clientSecretPost } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { active, createEndpoint } from '../support/endpoint.js';

describe('RFC 6749 section 2.3.1: client_secret_basic', () => {
  it.each([
    ['plain words', 'api', 'secret', 'api:secret'],
    [
      'characters that Basic and forms encode differently',
      '1PpG/Q 1',
      'z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=',
      '1PpG%2FQ+1:z%2FtZ9VwFZqApmIQ%2BZH1I5pLk%2FuB4ud%3AX2%2F8bL%2BwfFTt1rFw%3D',
    ],
    ['the example of appendix B', ' %&+£€', 'x', '+%25%26%2B%C2%A3%E2%82%AC:x'],
    ['a colon in the identifier (RFC 7617 section 2)', 'urn:rs:1', 'x', 'urn%3Ars%3A1:x'],
    ['a line end in the secret (RFC 7617 section 2)', 'api', 'a\nb', 'api:a%0Ab'],
    ['a letter beyond the basic plane', 'api', '\u{1F511}', 'api:%F0%9F%94%91'],
  ])('section 2.3.1: form-encodes %s before Basic', async (_title, id, secret, userPass) => {
    const endpoint = await createEndpoint(active());
    await createApi(endpoint, { clientAuth: clientSecretBasic(id, secret) })
      .get('token')
      .expect(200);
    const [asked] = endpoint.asked;
    expect(asked?.headers.authorization).toBe(`Basic ${Buffer.from(userPass).toString('base64')}`);
    expect([...(asked?.form.keys() ?? [])]).toEqual(['token']);
    expect(asked?.url).toBe('/introspect');
  });

  it('section 2.3.1: produces the header of a known test vector', async () => {
    const endpoint = await createEndpoint(active());
    const clientAuth = clientSecretBasic('1PpG/Q 1', 'z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=');
    await createApi(endpoint, { clientAuth }).get('token').expect(200);
    expect(endpoint.asked[0]?.headers.authorization).toBe(
      'Basic MVBwRyUyRlErMTp6JTJGdFo5VndGWnFBcG1JUSUyQlpIMUk1cExrJTJGdUI0dWQlM0FYMiUyRjhiTCUyQndmRlR0MXJGdyUzRA==',
    );
  });

  it('section 2.3.1: does not encode with encode: false', async () => {
    const endpoint = await createEndpoint(active());
    const clientAuth = clientSecretBasic('a b', 'c+d:e/é', { encode: false });
    await createApi(endpoint, { clientAuth }).get('token').expect(200);
    const [, credentials = ''] = endpoint.asked[0]?.headers.authorization?.split(' ') ?? [];
    expect(Buffer.from(credentials, 'base64').toString()).toBe('a b:c+d:e/é');
  });

  it.each([
    ['a colon in the identifier', 'a:b', 'x', /"clientId"/],
    ['a control character in the identifier', 'a\0', 'x', /"clientId"/],
    ['a control character in the secret', 'a', 'x\n', /"clientSecret"/],
  ])('section 2.3.1: throws for %s that would be sent unencoded', (_title, id, secret, message) => {
    expect(() => clientSecretBasic(id, secret, { encode: false })).toThrow(message);
  });
});

describe('RFC 6749 section 2.3: one method per request', () => {
  it('section 2.3: client_secret_post puts nothing in the header', async () => {
    const endpoint = await createEndpoint(active());
    await createApi(endpoint, { clientAuth: clientSecretPost('a b', 'c+d&e') })
      .get('token')
      .expect(200);
    const [asked] = endpoint.asked;
    expect(asked?.headers.authorization).toBeUndefined();
    expect(Object.fromEntries(asked?.form ?? [])).toEqual({ token: 'token', client_id: 'a b', client_secret: 'c+d&e' });
    expect(asked?.url).toBe('/introspect');
  });

  it.each<[string, () => unknown]>([
    ['clientSecretBasic without an identifier', () => clientSecretBasic(undefined, 'x')],
    ['clientSecretBasic with an empty identifier', () => clientSecretBasic('', 'x')],
    ['clientSecretBasic without a secret', () => clientSecretBasic('x', undefined)],
    ['clientSecretBasic with an empty secret', () => clientSecretBasic('x', '')],
    ['clientSecretPost without an identifier', () => clientSecretPost(undefined, 'x')],
    ['clientSecretPost without a secret', () => clientSecretPost('x', undefined)],
    ['clientSecretPost with an empty secret', () => clientSecretPost('x', '')],
    ['bearerToken without a token', () => bearerToken(undefined)],
    ['bearerToken with an empty token', () => bearerToken('')],
    ['bearerToken with a line end', () => bearerToken('x\n')],
  ])('section 2.3: %s throws at start-up', (_title, create) => {
    expect(create).toThrow(TypeError);
  });

  it('section 2.3.1: an empty secret needs allowEmptySecret', async () => {
    const endpoint = await createEndpoint(active());
    const clientAuth = clientSecretBasic('api', '', { allowEmptySecret: true });
    await createApi(endpoint, { clientAuth }).get('token').expect(200);
    expect(endpoint.asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('api:').toString('base64')}`);
  });
});

describe('RFC 6749 sections 5.1 and 7: token types and use', () => {
  it.each(['bearer', 'Bearer', 'BEARER', 'access_token', 'N_A'])(
    'section 5.1: token_type %s is accepted',
    async (type) => {
      const endpoint = await createEndpoint(active({ token_type: type }));
      await createApi(endpoint).get('token').expect(200);
    },
  );

  it.each([
    ['that has expired', { exp: 1 }, 401],
    ['whose scope does not cover the resource', { scope: 'other' }, 403],
    ['that is valid', {}, 200],
  ])('section 7: a token %s', async (_title, claims, status) => {
    const endpoint = await createEndpoint(active(claims));
    const api = createApi(endpoint, { scopes: ['read'] });
    await api.get('token').expect(status);
    expect(api.reached()).toBe(status === 200 ? 1 : 0);
  });
});
