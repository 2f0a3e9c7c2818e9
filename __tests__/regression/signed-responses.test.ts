import { generateKeyPairSync } from 'node:crypto';
import { createApi } from '../support/api.js';
import { createEndpoint } from '../support/endpoint.js';

const ISSUER = 'https://as.example.com';
const TYPE = 'token-introspection+jwt';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const NESTING = 60_000;

/** An API whose endpoint sends a correctly signed JWT of this text. */
async function createSigned(payload: string, header: object = {}) {
  const { CompactSign } = await import('jose');
  const jwt = await new CompactSign(Buffer.from(payload))
    .setProtectedHeader({ alg: 'RS256', typ: TYPE, ...header } as { alg: string })
    .sign(privateKey);
  const endpoint = await createEndpoint((_asked, res) => {
    res.writeHead(200, { 'content-type': `application/${TYPE}` }).end(jwt);
  });
  return createApi(endpoint, { jwtResponse: { issuer: ISSUER, audience: 'api', keys: publicKey } });
}

function payloadOf(introspection: string, more = ''): string {
  const iat = Math.floor(Date.now() / 1000);
  return `{"iss":"${ISSUER}","aud":"api","iat":${iat},"token_introspection":${introspection}${more}}`;
}

const nested = (open: string, close: string) => open.repeat(NESTING) + close.repeat(NESTING);

describe('a signed response', () => {
  it.each([
    ['in the response', payloadOf(`{"active":true,"a":${nested('[', ']')}}`)],
    ['in the response, below 32 levels', payloadOf(`{"active":true,"a":${'['.repeat(40)}${']'.repeat(40)}}`)],
    ['beside it', payloadOf('{"active":true}', `,"aud":${nested('[', ']')}`)],
  ])('that is nested too deeply %s causes 503', async (_, payload) => {
    const api = await createSigned(payload);
    await api.get('token').expect(503);
    expect(api.errors).toMatchObject([{ code: 'bad_response' }]);
    expect(api.reached()).toBe(0);
  });

  it.each([[[TYPE]], [[[TYPE]]], [[`application/${TYPE}`]], [{ toString: TYPE }], [true]])(
    'whose type is %j causes 503',
    async (typ) => {
      const api = await createSigned(payloadOf('{"active":true}'), { typ });
      await api.get('token').expect(503);
      expect(api.errors).toMatchObject([{ code: 'bad_response', detail: 'signed reply: typ' }]);
    },
  );

  it('of the right type is accepted', async () => {
    await (await createSigned(payloadOf('{"active":true}'))).get('token').expect(200);
  });
});
