import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const ISSUER = 'https://as.example.com/';
export const AUDIENCE = 'https://api.example.com';
const SCOPE = 'openid profile reports:read reports:write';
const HOUR = 3600;

/** The endpoint reports tokens with this prefix as inactive. Random tokens never have it. */
export const INVALID = '~';

export function randomToken(length) {
  return randomBytes(length).toString('base64url').slice(0, length);
}

/** The endpoint's response about an active token: ten claims, of which some differ between tokens. */
export function introspectionResponse(token) {
  const now = Math.floor(Date.now() / 1000);
  return {
    active: true,
    scope: SCOPE,
    client_id: 'reports-frontend',
    username: `user-${token.slice(0, 10)}`,
    token_type: 'Bearer',
    exp: now + HOUR,
    iat: now,
    sub: `usr_${token.slice(0, 16)}`,
    aud: AUDIENCE,
    iss: ISSUER,
    jti: token.slice(-20),
  };
}

/** Creates opaque and signed tokens for one run, and the keys that verify the signed ones. */
export async function createTokens({ count, length }) {
  const [rs256, es256] = await Promise.all([createSigner('RS256'), createSigner('ES256')]);
  const opaque = Array.from({ length: count }, () => randomToken(length));
  return {
    opaque,
    RS256: await Promise.all(opaque.map((token) => rs256.sign(token, length))),
    ES256: await Promise.all(opaque.map((token) => es256.sign(token, length))),
    keys: { RS256: rs256.jwk, ES256: es256.jwk },
    issuer: ISSUER,
    audience: AUDIENCE,
  };
}

async function createSigner(alg) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const header = { alg, kid: alg, typ: 'at+jwt' };
  const encode = (claims) => new SignJWT(claims).setProtectedHeader(header).sign(privateKey);
  return {
    jwk: { ...(await exportJWK(publicKey)), alg, kid: alg, use: 'sig' },
    /** Creates a JWT of about this length, or a longer one if its claims need more. */
    async sign(token, length) {
      const { active, token_type, ...claims } = introspectionResponse(token.slice(0, 43));
      const unpadded = await encode(claims);
      const missing = Math.floor(((length - unpadded.length) * 3) / 4) - ',"pad":""'.length;
      return missing > 0 ? encode({ ...claims, pad: 'x'.repeat(missing) }) : unpadded;
    },
  };
}
