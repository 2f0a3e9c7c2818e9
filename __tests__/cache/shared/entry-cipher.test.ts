import fc from 'fast-check';
import { createPlainSeal, createSeal } from '../../../lib/cache/shared/entry-cipher.js';
import { tokenDigest } from '../../../lib/core/token-digest.js';

const SECRET = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);
const SCOPE = '["authority","namespace"]';

const ask = (token: string) => ({ token, key: tokenDigest(token) });

const question = ask('token');
const seal = createSeal([SECRET], SCOPE);
const [KEY = ''] = seal.keysOf(question);

describe('a sealed entry', () => {
  it('is opened for its question, under its key, by its secret', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'binary' }), (token, text) => {
        const asked = ask(token);
        const [key = ''] = seal.keysOf(asked);
        const kept = seal.close(asked, key, text);
        expect(createSeal([SECRET], SCOPE).open(asked, key, kept)).toBe(Buffer.from(text).toString());
      }),
    );
  });

  it('is opened no more once any byte of it is another', () => {
    const kept = Buffer.from(seal.close(question, KEY, '{"some":"text"}'));
    for (let at = 0; at < kept.length; at++) {
      for (const bit of [1, 0x80]) {
        const changed = Buffer.from(kept);
        changed[at] = (changed[at] ?? 0) ^ bit;
        expect([at, seal.open(question, KEY, changed)]).toEqual([at, undefined]);
      }
    }
  });

  it('is opened no more once it is shorter or longer', () => {
    const kept = Buffer.from(seal.close(question, KEY, 'text'));
    for (let length = 0; length < kept.length; length++) {
      expect(seal.open(question, KEY, kept.subarray(0, length))).toBeUndefined();
    }
    expect(seal.open(question, KEY, Buffer.concat([kept, Buffer.of(0)]))).toBeUndefined();
  });

  it('is never made of arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(seal.open(question, KEY, bytes)).toBeUndefined();
        expect(seal.open(question, KEY, Buffer.concat([Buffer.of(1), bytes]))).toBeUndefined();
      }),
    );
  });

  it.each([
    ['another token', seal, ask('other'), KEY],
    ['another key', seal, question, seal.keysOf(ask('other'))[0] ?? ''],
    ['another secret', createSeal([OTHER], SCOPE), question, KEY],
    ['another scope', createSeal([SECRET], '["authority","other"]'), question, KEY],
  ])('is not opened for %s', (_, opener, asked, key) => {
    expect(opener.open(asked, key, seal.close(question, KEY, 'text'))).toBeUndefined();
  });

  it('is another each time', () => {
    const kept = [...Array(100)].map(() => Buffer.from(seal.close(question, KEY, 'text')).toString('hex'));
    expect(new Set(kept.map((each) => each.slice(2, 26))).size).toBe(100);
  });

  it('shows nothing of the token, its digest or the text', () => {
    const kept = Buffer.from(seal.close(question, KEY, 'the text')).toString('latin1');
    for (const secret of ['token', question.key, 'text', SECRET]) expect(KEY + kept).not.toContain(secret);
  });
});

describe('keys and digests', () => {
  it('differ by token, by secret and, for entries, by scope', () => {
    const keys = [
      KEY,
      ...seal.keysOf(ask('other')),
      ...createSeal([OTHER], SCOPE).keysOf(question),
      ...createSeal([SECRET], 'other').keysOf(question),
      ...createPlainSeal(SCOPE).keysOf(question),
    ];
    expect(new Set(keys).size).toBe(5);
    expect(createSeal([SECRET], SCOPE).keysOf(question)).toEqual([KEY]);
  });

  it('of what is revoked differ by kind and value, and not where one ends and the other begins', () => {
    fc.assert(
      fc.property(fc.tuple(fc.string(), fc.string()), fc.tuple(fc.string(), fc.string()), (one, other) => {
        for (const each of [seal, createPlainSeal(SCOPE)]) {
          const isSame = one[0] === other[0] && one[1] === other[1];
          expect(each.digestsOf(...one)[0] === each.digestsOf(...other)[0]).toBe(isSame);
        }
      }),
    );
  });

  it('of what is revoked are the same for all that share the secret, and take it', () => {
    const [digest] = seal.digestsOf('sub', 'alice');
    expect(createSeal([SECRET], 'other').digestsOf('sub', 'alice')).toEqual([digest]);
    expect(createSeal([OTHER], SCOPE).digestsOf('sub', 'alice')).not.toContain(digest);
    expect(digest).not.toContain('alice');
  });
});

describe('secrets that are changed', () => {
  const [before, during, after] = [[SECRET], [OTHER, SECRET], [OTHER]].map((secrets) => createSeal(secrets, SCOPE));

  it('seal with the first, and open with all', () => {
    const [own = '', old = ''] = during?.keysOf(question) ?? [];
    expect(old).toBe(KEY);
    expect(after?.keysOf(question)).toEqual([own]);
    expect(during?.open(question, old, seal.close(question, old, 'old'))).toBe('old');
    const kept = during?.close(question, own, 'new') as Uint8Array;
    expect([during, after, before].map((each) => each?.open(question, own, kept))).toEqual(['new', 'new', undefined]);
  });

  it('tell of what is revoked by the first, and know it by all', () => {
    const [written, known] = during?.digestsOf('sub', 'alice') ?? [];
    expect([written]).toEqual(after?.digestsOf('sub', 'alice'));
    expect([known]).toEqual(before?.digestsOf('sub', 'alice'));
  });
});

describe('an entry in plain text', () => {
  it('is what it says', () => {
    const plain = createPlainSeal(SCOPE);
    const [key = ''] = plain.keysOf(question);
    expect(plain.open(question, key, plain.close(question, key, '{"a":"ü"}'))).toBe('{"a":"ü"}');
    expect(key).not.toBe(createPlainSeal('other').keysOf(question)[0]);
  });
});
