import fc from 'fast-check';
import type { ClientAuth } from '../../lib/core/client-auth.js';
import { bearerToken, clientSecretBasic, clientSecretPost, noClientAuth } from '../../lib/index.js';
import { createPrepareRequest, type RequestSettings } from '../../lib/introspection/introspection-request.js';
import type { AuthorizationServer } from '../../lib/introspection/server-metadata.js';

const SERVER: AuthorizationServer = {
  issuer: undefined,
  endpoint: { href: 'https://as.example.com/introspect', origin: 'https://as.example.com', path: '/introspect' },
  jwksUri: undefined,
  authMethods: undefined,
  authSigningAlgorithms: undefined,
};

function createPrepare(clientAuth: ClientAuth, settings: Partial<RequestSettings> = {}) {
  const common = { requestFormat: 'form', tokenParameter: 'token', parameters: {}, headers: {} } as const;
  const prepare = createPrepareRequest({ ...common, clientAuth, ...settings }, false);
  return async (token: string) => prepare(token, SERVER, false);
}

/** The same client authentication in a function of an app, which is called for every request. */
function wrap(clientAuth: ClientAuth): ClientAuth {
  return { ...clientAuth, sign: (request) => clientAuth.sign(request) };
}

const METHODS: [name: string, ClientAuth][] = [
  ['clientSecretBasic', clientSecretBasic('reports-api', 'a secret')],
  ['clientSecretPost', clientSecretPost('reports-api', 'a&secret=~')],
  ['bearerToken', bearerToken('abc')],
  ['noClientAuth', noClientAuth()],
];

describe('createPrepareRequest', () => {
  it.each(METHODS)('prepares the same request once as for each token: %s', async (_, clientAuth) => {
    const settings = { parameters: { token_type_hint: 'access token' }, headers: { 'x-tenant': 'acme' } };
    const once = createPrepare(clientAuth, settings);
    const each = createPrepare(wrap(clientAuth), settings);
    for (const token of ['abc', 'another', 'abc']) expect(await once(token)).toEqual(await each(token));
  });

  it('encodes every bearer token as URLSearchParams does', async () => {
    const prepare = createPrepare(noClientAuth());
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[A-Za-z0-9\-._~+/]{1,40}={0,2}$/), async (token) => {
        expect((await prepare(token)).body).toBe(new URLSearchParams({ token }).toString());
      }),
    );
  });

  it('finds the place of the token, whatever its parameter and the other parameters are called', async () => {
    const prepare = createPrepare(clientSecretPost('reports-api', 'token='), {
      tokenParameter: '0',
      parameters: { 'token=': '0=', '00': 'x' },
    });
    const { body } = await prepare('a/b');
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      ...{ '0': 'a/b', '00': 'x', 'token=': '0=' },
      ...{ client_id: 'reports-api', client_secret: 'token=' },
    });
  });

  it('calls the sign of an app for every request, even if it calls one of this package', async () => {
    const { sign } = clientSecretBasic('reports-api', 'a-secret');
    let count = 0;
    const prepare = createPrepare({
      sign(request) {
        request.headers['x-count'] = String(++count);
        return sign(request);
      },
    });
    expect([(await prepare('a')).headers['x-count'], (await prepare('b')).headers['x-count']]).toEqual(['1', '2']);
  });
});
