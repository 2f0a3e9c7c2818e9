import fc from 'fast-check';
import { createEntryCipher } from '../../../lib/cache/shared/entry-cipher.js';
import { tokenDigest } from '../../../lib/core/token-digest.js';

const SECRET = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);
const SCOPE = '["authority","namespace"]';

const ask = (token: string) => ({ token, digest: tokenDigest(token) });

const question = ask('token');
const seal = createEntryCipher([SECRET], SCOPE);
const [KEY = ''] = seal.keysOf(question);

describe('a sealed entry', () => {
  it('is opened for its question, under its key, by its secret', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'binary' }), (token, text) => {
        const asked = ask(token);
        const [key = ''] = seal.keysOf(asked);
        const kept = seal.encrypt(asked, key, text);
        expect(createEntryCipher([SECRET], SCOPE).decrypt(asked, key, kept)).toBe(Buffer.from(text).toString());
      }),
    );
  });

  it('is opened no more once any byte of it is another', () => {
    const kept = Buffer.from(seal.encrypt(question, KEY, '{"some":"text"}'));
    for (let at = 0; at < kept.length; at++) {
      for (const bit of [1, 0x80]) {
        const changed = Buffer.from(kept);
        changed[at] = (changed[at] ?? 0) ^ bit;
        expect([at, seal.decrypt(question, KEY, changed)]).toEqual([at, undefined]);
      }
    }
  });

  it('is opened no more once it is shorter or longer', () => {
    const kept = Buffer.from(seal.encrypt(question, KEY, 'text'));
    for (let length = 0; length < kept.length; length++) {
      expect(seal.decrypt(question, KEY, kept.subarray(0, length))).toBeUndefined();
    }
    expect(seal.decrypt(question, KEY, Buffer.concat([kept, Buffer.of(0)]))).toBeUndefined();
  });

  it('is never made of arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(seal.decrypt(question, KEY, bytes)).toBeUndefined();
        expect(seal.decrypt(question, KEY, Buffer.concat([Buffer.of(1), bytes]))).toBeUndefined();
      }),
    );
  });

  it.each([
    ['another token', seal, ask('other'), KEY],
    ['another key', seal, question, seal.keysOf(ask('other'))[0] ?? ''],
    ['another secret', createEntryCipher([OTHER], SCOPE), question, KEY],
    ['another scope', createEntryCipher([SECRET], '["authority","other"]'), question, KEY],
  ])('is not opened for %s', (_, opener, asked, key) => {
    expect(opener.decrypt(asked, key, seal.encrypt(question, KEY, 'text'))).toBeUndefined();
  });

  it('is another each time', () => {
    const kept = [...Array(100)].map(() => Buffer.from(seal.encrypt(question, KEY, 'text')).toString('hex'));
    expect(new Set(kept.map((each) => each.slice(2, 26))).size).toBe(100);
  });

  it('shows nothing of the token, its digest or the text', () => {
    const kept = Buffer.from(seal.encrypt(question, KEY, 'the text')).toString('latin1');
    for (const secret of ['token', question.digest, 'text', SECRET]) expect(KEY + kept).not.toContain(secret);
  });
});

describe('keys and digests', () => {
  it('differ by token, by secret and, for entries, by scope', () => {
    const keys = [
      KEY,
      ...seal.keysOf(ask('other')),
      ...createEntryCipher([OTHER], SCOPE).keysOf(question),
      ...createEntryCipher([SECRET], 'other').keysOf(question),
    ];
    expect(new Set(keys).size).toBe(4);
    expect(createEntryCipher([SECRET], SCOPE).keysOf(question)).toEqual([KEY]);
  });

  it('of what is revoked differ by kind and value, and not where one ends and the other begins', () => {
    fc.assert(
      fc.property(fc.tuple(fc.string(), fc.string()), fc.tuple(fc.string(), fc.string()), (one, other) => {
        const isSame = one[0] === other[0] && one[1] === other[1];
        expect(seal.digestsOf(...one)[0] === seal.digestsOf(...other)[0]).toBe(isSame);
      }),
    );
  });

  it('of what is revoked are the same for all that share the secret, and take it', () => {
    const [digest] = seal.digestsOf('sub', 'alice');
    expect(createEntryCipher([SECRET], 'other').digestsOf('sub', 'alice')).toEqual([digest]);
    expect(createEntryCipher([OTHER], SCOPE).digestsOf('sub', 'alice')).not.toContain(digest);
    expect(digest).not.toContain('alice');
  });
});

describe('secrets that are changed', () => {
  const [before, during, after] = [[SECRET], [OTHER, SECRET], [OTHER]].map((secrets) =>
    createEntryCipher(secrets, SCOPE),
  );

  it('seal with the first, and open with all', () => {
    const [own = '', old = ''] = during?.keysOf(question) ?? [];
    expect(old).toBe(KEY);
    expect(after?.keysOf(question)).toEqual([own]);
    expect(during?.decrypt(question, old, seal.encrypt(question, old, 'old'))).toBe('old');
    const kept = during?.encrypt(question, own, 'new') as Uint8Array;
    expect([during, after, before].map((each) => each?.decrypt(question, own, kept))).toEqual([
      'new',
      'new',
      undefined,
    ]);
  });

  it('tell of what is revoked by the first, and know it by all', () => {
    const [written, known] = during?.digestsOf('sub', 'alice') ?? [];
    expect([written]).toEqual(after?.digestsOf('sub', 'alice'));
    expect([known]).toEqual(before?.digestsOf('sub', 'alice'));
  });
});
