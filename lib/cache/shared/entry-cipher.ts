import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { TokenKey } from '../../core/lookup.js';

/** How entries and keys are kept from those who can read or write the store. */
export interface EntryCipher {
  /** What a question's answer is found under; more than one while secrets are changed, the first being what is written to. */
  keysOf(tokenKey: Pick<TokenKey, 'digest'>): readonly string[];
  encrypt(tokenKey: Pick<TokenKey, 'token'>, key: string, plaintext: string): Uint8Array;
  /** `undefined` for what was not closed for this tokenKey, under this key, with one of the secrets. */
  decrypt(tokenKey: Pick<TokenKey, 'token'>, key: string, sealed: Uint8Array): string | undefined;
  /** What stands for something revoked; more than one while secrets are changed, the first being what is written. */
  digestsOf(kind: string, value: string): readonly string[];
}

const VERSION = 1;
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/**
 * Entries closed with AES-256-GCM under a key made of the secret and the token (HKDF), so that it takes both to read or make one;
 * bound to the key they are kept under, so that none can be moved to another token. Keys and digests are HMACs.
 *
 * @param scope who is asked, by location and how, and the namespace: entries of different scopes are never found for one another
 */
export function createEntryCipher(secrets: readonly string[], scope: string): EntryCipher {
  const rings = secrets.map((secret) => ({
    names: derive(secret, 'names', scope),
    digests: derive(secret, 'digests', ''),
    entryKey: (token: string) => Buffer.from(hkdfSync('sha256', secret, token, `entry ${scope}`, KEY_BYTES)),
  }));
  const [first] = rings;
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest('base64url');

  return {
    keysOf: ({ digest: key }) => rings.map(({ names }) => hmac(names, key)),
    encrypt({ token }, key, plaintext) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, (first as (typeof rings)[0]).entryKey(token), nonce);
      cipher.setAAD(aadOf(key));
      const text = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), text]);
    },
    decrypt({ token }, key, sealed) {
      if (sealed.length < HEAD_BYTES || sealed[0] !== VERSION) return undefined;
      const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
      const tag = sealed.subarray(1 + NONCE_BYTES, HEAD_BYTES);
      for (const { entryKey } of rings) {
        try {
          const decipher = createDecipheriv(CIPHER, entryKey(token), nonce, { authTagLength: TAG_BYTES });
          decipher.setAAD(aadOf(key));
          decipher.setAuthTag(tag);
          return Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()]).toString('utf8');
        } catch {
          // Another secret's, or nobody's.
        }
      }
      return undefined;
    },
    digestsOf: (kind, value) => rings.map(({ digests }) => hmac(digests, JSON.stringify([kind, value]))),
  };
}

function derive(secret: string, use: string, scope: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `${use} ${scope}`, KEY_BYTES));
}

function aadOf(key: string): Buffer {
  return Buffer.from(`${VERSION} ${key}`, 'utf8');
}
