import { generateKeyPairSync } from 'node:crypto';
import { createSigner } from '../../lib/metadata/signed.js';

const METADATA = { resource: 'https://api.example.com' };

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
const jwt = (claims: unknown) => `${encode({ alg: 'ES256' })}.${encode(claims)}.c2ln`;

describe('signed metadata', () => {
  it('have the algorithm, key identifier and issuer of the options', async () => {
    const { jwtVerify } = await import('jose');
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'k-1' };
    const sign = createSigner(METADATA, { key: jwk, alg: 'PS256', issuer: 'https://trust.example.com' });
    const { payload, protectedHeader } = await jwtVerify(await sign(), publicKey);
    expect(payload).toEqual({ ...METADATA, iss: 'https://trust.example.com', iat: expect.any(Number) });
    expect(protectedHeader).toEqual({ alg: 'PS256', kid: 'k-1' });
    expect(await sign()).toBe(await sign());
  });

  it('are the unchanged result of a signing function, which cannot change the published metadata', async () => {
    const metadata = { ...METADATA, scopes_supported: ['read'] };
    const sign = createSigner(metadata, (received) => {
      (received.scopes_supported as string[]).push('admin');
      return jwt({ iss: 'me' });
    });
    expect(await sign()).toBe(jwt({ iss: 'me' }));
    expect(metadata.scopes_supported).toEqual(['read']);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an object', { iss: 'me' }],
    ['no JWT', 'signature'],
    ['a JWT without signature', jwt({ iss: 'me' }).replace(/[^.]+$/, '')],
    ['claims that are not JSON', 'e30.e30x.c2ln'],
    ['claims that are null', jwt(null)],
    ['no iss', jwt({})],
    ['an empty iss', jwt({ iss: '' })],
    ['metadata that contain signed_metadata', jwt({ iss: 'me', signed_metadata: 'a.b.c' })],
  ])('are rejected when the function returns %s', async (_, result) => {
    const sign = createSigner(METADATA, () => result as string);
    const failure = await sign().catch((error) => error);
    expect(failure).toMatchObject({
      message: 'The protected resource metadata could not be signed',
      status: 500,
      statusCode: 500,
      cause: expect.any(Error),
    });
  });

  it('are signed again after the function failed', async () => {
    let calls = 0;
    const sign = createSigner(METADATA, () => {
      if (++calls === 1) throw new Error('no');
      return jwt({ iss: 'me' });
    });
    await expect(sign()).rejects.toMatchObject({ cause: new Error('no') });
    expect(await sign()).toBe(jwt({ iss: 'me' }));
  });
});
