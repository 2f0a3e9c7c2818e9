import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import type { JWK } from 'jose';
import type { FakeClock } from './clock.js';

/** The origin in the proofs of clients. */
export const ORIGIN = 'https://api.example.com';

type Members = Readonly<Record<string, unknown>>;

/** Changes to a proof. A member that is `undefined` is left out. */
export interface ProofParts {
  readonly header?: Members | undefined;
  readonly claims?: Members | undefined;
  /** Signs with another key than the one in the header. */
  readonly key?: KeyObject | undefined;
}

export interface Sender {
  readonly jkt: string;
  readonly jwk: JWK;
  readonly key: KeyObject;
  /** Creates a current proof for GET `/` of the origin with the token, except for these changes. */
  proof(token: string, clock: FakeClock, parts?: ProofParts): Promise<string>;
}

type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const KEY_PAIRS: Readonly<Record<string, () => KeyPair>> = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  Ed25519: () => generateKeyPairSync('ed25519'),
};

/** A client with its own key pair. */
export async function createSender(alg = 'ES256'): Promise<Sender> {
  const { calculateJwkThumbprint, CompactSign } = await import('jose');
  const { publicKey, privateKey } = (KEY_PAIRS[alg] as () => KeyPair)();
  const jwk = publicKey.export({ format: 'jwk' }) as JWK;
  return {
    jkt: await calculateJwkThumbprint(jwk),
    jwk,
    key: privateKey,
    proof(token, clock, { header, claims, key = privateKey } = {}) {
      const payload = {
        jti: randomUUID(),
        htm: 'GET',
        htu: `${ORIGIN}/`,
        iat: Math.floor(clock.seconds()),
        ath: createHash('sha256').update(token).digest('base64url'),
        ...claims,
      };
      const content = new TextEncoder().encode(JSON.stringify(payload));
      return new CompactSign(content).setProtectedHeader({ typ: 'dpop+jwt', alg, jwk, ...header } as never).sign(key);
    },
  };
}

/** A proof with any contents and signature, which no library would create. */
export function assemble(header: Members, claims: unknown, signature: string | ((input: string) => string)): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${typeof signature === 'string' ? signature : signature(input)}`;
}
