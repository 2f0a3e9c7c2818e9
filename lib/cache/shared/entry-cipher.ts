import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { TokenKey } from '../../core/lookup.js';

/**
 * Encrypts store entries, and computes the digests that the store holds instead of tokens and claims. So somebody who can read only the
 * store learns no token and no claim.
 */
export interface EntryCipher {
  /**
   * Returns the store keys for the entry of a token, one for each secret. The entry is written under the first key, and read under all
   * keys. There are several keys only while secrets are rotated.
   */
  keysOf(tokenKey: Pick<TokenKey, 'digest'>): readonly string[];
  encrypt(tokenKey: Pick<TokenKey, 'token'>, key: string, plaintext: string): Uint8Array;
  /**
   * Returns the decrypted text. Returns `undefined` if the bytes were not encrypted for this token, under this store key, with one of the
   * secrets.
   */
  decrypt(tokenKey: Pick<TokenKey, 'token'>, key: string, ciphertext: Uint8Array): string | undefined;
  /**
   * Returns the digests of a token or claim value for the revocation log, one for each secret. The first digest is written to the log, and
   * all of them are recognized when they are read from it. There are several digests only while secrets are rotated.
   */
  digestsOf(kind: string, value: string): readonly string[];
}

const VERSION = 1;
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/**
 * Encrypts entries with AES-256-GCM. The encryption key is derived from a secret and the token (HKDF), so both are needed to read or create
 * an entry. The store key is authenticated too, so no entry can be moved to another token. Store keys and digests are HMACs.
 *
 * @param secrets the first secret encrypts; all secrets decrypt, so that secrets can be rotated
 * @param scope text made from introspector id and namespace; an entry that was written with one scope is never found with another
 */
export function createEntryCipher(secrets: readonly string[], scope: string): EntryCipher {
  const keySets = secrets.map((secret) => ({
    storeKeyHmacKey: deriveKey(secret, 'names', scope),
    digestHmacKey: deriveKey(secret, 'digests', ''),
    entryKeyOf: (token: string) => Buffer.from(hkdfSync('sha256', secret, token, `entry ${scope}`, KEY_BYTES)),
  }));
  const [first] = keySets;
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest('base64url');

  return {
    keysOf: ({ digest }) => keySets.map(({ storeKeyHmacKey }) => hmac(storeKeyHmacKey, digest)),
    encrypt({ token }, key, plaintext) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, (first as (typeof keySets)[0]).entryKeyOf(token), nonce);
      cipher.setAAD(additionalDataOf(key));
      const encrypted = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), encrypted]);
    },
    decrypt({ token }, key, ciphertext) {
      if (ciphertext.length < HEAD_BYTES || ciphertext[0] !== VERSION) return undefined;
      const nonce = ciphertext.subarray(1, 1 + NONCE_BYTES);
      const tag = ciphertext.subarray(1 + NONCE_BYTES, HEAD_BYTES);
      for (const { entryKeyOf } of keySets) {
        try {
          const decipher = createDecipheriv(CIPHER, entryKeyOf(token), nonce, { authTagLength: TAG_BYTES });
          decipher.setAAD(additionalDataOf(key));
          decipher.setAuthTag(tag);
          return Buffer.concat([decipher.update(ciphertext.subarray(HEAD_BYTES)), decipher.final()]).toString('utf8');
        } catch {
          // Encrypted with another secret, or forged.
        }
      }
      return undefined;
    },
    digestsOf: (kind, value) => keySets.map(({ digestHmacKey }) => hmac(digestHmacKey, JSON.stringify([kind, value]))),
  };
}

function deriveKey(secret: string, use: string, scope: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `${use} ${scope}`, KEY_BYTES));
}

function additionalDataOf(key: string): Buffer {
  return Buffer.from(`${VERSION} ${key}`, 'utf8');
}
