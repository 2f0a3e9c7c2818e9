import fc from 'fast-check';
import { createEntryCipher } from '../../../lib/cache/shared/entry-cipher.js';
import { tokenDigest } from '../../../lib/core/token-digest.js';

const SECRET = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);
const SCOPE = '["authority","namespace"]';

const tokenKeyOf = (token: string) => ({ token, digest: tokenDigest(token) });

const TOKEN = tokenKeyOf('token');
const cipher = createEntryCipher([SECRET], SCOPE);
const [KEY = ''] = cipher.keysOf(TOKEN);

describe('createEntryCipher', () => {
  it('decrypts an entry with its token, key and secret', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'binary' }), (token, text) => {
        const tokenKey = tokenKeyOf(token);
        const [key = ''] = cipher.keysOf(tokenKey);
        const entry = cipher.encrypt(tokenKey, key, text);
        expect(createEntryCipher([SECRET], SCOPE).decrypt(tokenKey, key, entry)).toBe(Buffer.from(text).toString());
      }),
    );
  });

  // Processes with different versions of this library share a store while an app is updated. The values were computed with node:crypto only.
  it('has the format that other versions read and write', () => {
    const key = 'tDTq9CpIPRB-7GDCFT4vl89iU97CWvJ4E1RXSajjsLI';
    expect(cipher.keysOf({ digest: 'digest' })).toEqual([key]);
    expect(cipher.digestsOf('sub', 'alice')).toEqual(['FAdDQSOb_mOwOpTSjpRTEQMW6R20dBG-MXD6CN2_ymA']);
    const entry = Buffer.from('AQcHBwcHBwcHBwcHB3GdALyF-f_42dsG6pdlEma2DmmA', 'base64url');
    expect(cipher.decrypt({ token: 'token' }, key, entry)).toBe('text');
  });

  it('does not decrypt an entry in which a bit has changed', () => {
    const entry = Buffer.from(cipher.encrypt(TOKEN, KEY, '{"some":"text"}'));
    for (let at = 0; at < entry.length; at++) {
      for (const bit of [1, 0x80]) {
        const changed = Buffer.from(entry);
        changed[at] = (changed[at] ?? 0) ^ bit;
        expect([at, cipher.decrypt(TOKEN, KEY, changed)]).toEqual([at, undefined]);
      }
    }
  });

  it('does not decrypt an entry that is shorter or longer', () => {
    const entry = Buffer.from(cipher.encrypt(TOKEN, KEY, 'text'));
    for (let length = 0; length < entry.length; length++) {
      expect(cipher.decrypt(TOKEN, KEY, entry.subarray(0, length))).toBeUndefined();
    }
    expect(cipher.decrypt(TOKEN, KEY, Buffer.concat([entry, Buffer.of(0)]))).toBeUndefined();
  });

  it('does not decrypt arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(cipher.decrypt(TOKEN, KEY, bytes)).toBeUndefined();
        expect(cipher.decrypt(TOKEN, KEY, Buffer.concat([Buffer.of(1), bytes]))).toBeUndefined();
      }),
    );
  });

  it.each([
    ['another token', cipher, tokenKeyOf('other'), KEY],
    ['another key', cipher, TOKEN, cipher.keysOf(tokenKeyOf('other'))[0] ?? ''],
    ['another secret', createEntryCipher([OTHER], SCOPE), TOKEN, KEY],
    ['another scope', createEntryCipher([SECRET], '["authority","other"]'), TOKEN, KEY],
  ])('does not decrypt an entry with %s', (_, decrypter, tokenKey, key) => {
    expect(decrypter.decrypt(tokenKey, key, cipher.encrypt(TOKEN, KEY, 'text'))).toBeUndefined();
  });

  it('uses a new nonce for each entry', () => {
    const entries = [...Array(100)].map(() => Buffer.from(cipher.encrypt(TOKEN, KEY, 'text')).toString('hex'));
    expect(new Set(entries.map((entry) => entry.slice(2, 26))).size).toBe(100);
  });

  it('hides the token, its digest and the text', () => {
    const entry = Buffer.from(cipher.encrypt(TOKEN, KEY, 'the text')).toString('latin1');
    for (const secret of ['token', TOKEN.digest, 'text', SECRET]) expect(KEY + entry).not.toContain(secret);
  });
});

describe('keysOf and digestsOf', () => {
  it('keysOf returns another key for another token, secret or scope', () => {
    const keys = [
      KEY,
      ...cipher.keysOf(tokenKeyOf('other')),
      ...createEntryCipher([OTHER], SCOPE).keysOf(TOKEN),
      ...createEntryCipher([SECRET], 'other').keysOf(TOKEN),
    ];
    expect(new Set(keys).size).toBe(4);
    expect(createEntryCipher([SECRET], SCOPE).keysOf(TOKEN)).toEqual([KEY]);
  });

  it('digestsOf returns another digest for another kind or value, wherever the kind ends and the value begins', () => {
    fc.assert(
      fc.property(fc.tuple(fc.string(), fc.string()), fc.tuple(fc.string(), fc.string()), (one, other) => {
        const isSame = one[0] === other[0] && one[1] === other[1];
        expect(cipher.digestsOf(...one)[0] === cipher.digestsOf(...other)[0]).toBe(isSame);
      }),
    );
  });

  it('digestsOf returns the same digest for the same secret in every scope', () => {
    const [digest] = cipher.digestsOf('sub', 'alice');
    expect(createEntryCipher([SECRET], 'other').digestsOf('sub', 'alice')).toEqual([digest]);
    expect(createEntryCipher([OTHER], SCOPE).digestsOf('sub', 'alice')).not.toContain(digest);
    expect(digest).not.toContain('alice');
  });
});

describe('rotated secrets', () => {
  const [before, during, after] = [[SECRET], [OTHER, SECRET], [OTHER]].map((secrets) =>
    createEntryCipher(secrets, SCOPE),
  );

  it('the first encrypts, and all decrypt', () => {
    const [newKey = '', oldKey = ''] = during?.keysOf(TOKEN) ?? [];
    expect(oldKey).toBe(KEY);
    expect(after?.keysOf(TOKEN)).toEqual([newKey]);
    expect(during?.decrypt(TOKEN, oldKey, cipher.encrypt(TOKEN, oldKey, 'old'))).toBe('old');
    const entry = during?.encrypt(TOKEN, newKey, 'new') as Uint8Array;
    expect([during, after, before].map((cipher) => cipher?.decrypt(TOKEN, newKey, entry))).toEqual([
      'new',
      'new',
      undefined,
    ]);
  });

  it('the first digest is written, and the digests of all secrets are recognised', () => {
    const [current, old] = during?.digestsOf('sub', 'alice') ?? [];
    expect([current]).toEqual(after?.digestsOf('sub', 'alice'));
    expect([old]).toEqual(before?.digestsOf('sub', 'alice'));
  });
});
