// An entry of the shared cache, as the store returns it. Somebody who can write to the store chooses its bytes.
import assert from 'node:assert/strict';
import { requireOneOf } from '../errors.mjs';
import { CLOCK, SENT_AT } from '../time.mjs';
import { requireClaims } from './introspection-response.mjs';

const TOKEN = { token: 'token', digest: 'digest of the token' };
const OTHER_TOKEN = { token: 'other token', digest: 'digest of the other token' };
const STORE_NOW = 5_000_000;
const ENTRY = { response: { active: true, scope: 'read', sub: 'user' }, asked: STORE_NOW - 1000, logPosition: '7-0' };
const LIFETIMES = { ttlMs: 60_000, inactiveTtlMs: 5000 };
/** The first byte of an input says how the bytes of the entry are made from the rest. */
const [RAW, ENCRYPTED, CHANGED, OTHER_KEY, OTHER_SECRET] = [0, 1, 2, 3, 4];

export const sharedCacheEntry = {
  name: 'shared-cache-entry',
  input: 'how the entry is made in one byte, then its bytes or its text before encryption',
  isSynchronous: false,
  maxLength: 4096,
  words: [
    ...[
      '"response":',
      '"asked":',
      '"logPosition":"7-0"',
      '"active":true',
      '"active":false',
      '"scope":["read"]',
      '"__proto__":',
    ],
    ...[JSON.stringify(ENTRY), '"exp":', 'null', `${STORE_NOW}`, '1e400', '-0'],
  ],
  seeds: () => [
    ...[
      ENTRY,
      { ...ENTRY, response: { active: false } },
      { ...ENTRY, response: { active: 'true' } },
      { ...ENTRY, response: { active: true, exp: 0, scope: ['a', 'b'], nested: [{ a: null }] } },
      { ...ENTRY, response: null },
      { ...ENTRY, asked: STORE_NOW + 1 },
      { ...ENTRY, asked: null },
      { ...ENTRY, asked: '1' },
      { ...ENTRY, logPosition: 7 },
      { response: { active: true } },
      null,
      [],
    ].map((entry) => withMode(ENCRYPTED, JSON.stringify(entry))),
    withMode(ENCRYPTED, `{"__proto__":${JSON.stringify(ENTRY)}}`),
    withMode(ENCRYPTED, JSON.stringify(ENTRY).slice(0, -1)),
    ...[OTHER_KEY, OTHER_SECRET].map((mode) => withMode(mode, JSON.stringify(ENTRY))),
    ...[0, 5, 20, 40].map((position) => withMode(CHANGED, Buffer.of(position, 0, 1))),
    withMode(RAW, Buffer.alloc(29)),
    withMode(RAW, Buffer.concat([Buffer.of(1), Buffer.alloc(60)])),
    withMode(RAW, ''),
  ],
  typical: (length) =>
    withMode(
      ENCRYPTED,
      JSON.stringify({ ...ENTRY, response: { active: true, list: new Array(Math.ceil(length / 5)).fill('ab') } }),
    ),
  guards: [
    { file: 'cache/shared/entry-cipher.js', from: 'Buffer.from(`', to: 'Buffer.alloc(0); (`' },
    { file: 'cache/shared/entry-cipher.js', from: 'decipher.final()', to: 'Buffer.of()' },
    { file: 'cache/shared/entry.js', from: 'return age >= 0 ?', to: 'return true ?' },
    { file: 'cache/shared/shared-entries.js', from: "typeof entry.logPosition === 'string'", to: 'true' },
  ],

  create(load) {
    const { createSharedEntries } = load('cache/shared/shared-entries.js');
    const { createEntryCipher } = load('cache/shared/entry-cipher.js');
    const { toRecord } = load('introspection/response.js');
    const [cipher, otherCipher] = ['s', 'o'].map((letter) => createEntryCipher([letter.repeat(32)], 'scope'));
    const [key] = cipher.keysOf(TOKEN);
    const health = { part: () => () => {} };
    const valid = cipher.encrypt(TOKEN, key, JSON.stringify(ENTRY));
    return {
      read([mode, ...rest]) {
        const bytes = Buffer.from(rest);
        const text = bytes.toString('utf8');
        if (mode === ENCRYPTED) return { text, value: cipher.encrypt(TOKEN, key, text) };
        if (mode === CHANGED)
          return { text: undefined, value: changed(valid, bytes), isSame: bytes.length < 3 || bytes[2] === 0 };
        if (mode === OTHER_KEY)
          return { text: undefined, value: cipher.encrypt(TOKEN, cipher.keysOf(OTHER_TOKEN)[0], text) };
        if (mode === OTHER_SECRET) return { text: undefined, value: otherCipher.encrypt(TOKEN, key, text) };
        return { text: undefined, value: bytes };
      },
      run({ value }) {
        const store = { getOrLease: async () => ({ value, now: STORE_NOW, isLeased: false }) };
        const common = { ...LIFETIMES, store, health, cipher, clock: CLOCK, staleIfErrorMs: 0 };
        return createSharedEntries({ ...common, restore: toRecord }).read(TOKEN);
      },
      check({ text, isSame }, { value: stored, error }) {
        if (error !== undefined) throw error;
        assert.equal(stored.now, STORE_NOW, 'time of the store');
        if (stored.record === undefined) return false;
        if (isSame) return true;
        assert(text !== undefined, 'bytes that this process has not encrypted are a miss');
        requireTrueEntry(JSON.parse(text), stored.record);
        return stored.record.active;
      },
    };
  },
};

function requireTrueEntry({ response, asked, logPosition }, record) {
  requireOneOf(['string'], typeof logPosition, 'type of the position in the log');
  assert.equal(record.logPosition, logPosition, 'position in the log');
  requireOneOf(['number'], typeof asked, 'type of the time');
  assert(record.askedAt <= SENT_AT.at && record.askedMonotonic <= SENT_AT.monotonic, 'no entry comes from the future');
  assert.equal(record.askedAt, SENT_AT.at - (STORE_NOW - asked), 'age');
  requireOneOf([response.active], record.active, 'active');
  if (record.active) requireClaims(response, record);
}

/** Changes one byte: the first two bytes of the input are its position, the third is combined with it. */
function changed(value, [high = 0, low = 0, mask = 0]) {
  const copy = Buffer.from(value);
  copy[(high * 256 + low) % copy.length] ^= mask;
  return copy;
}

function withMode(mode, content) {
  return Buffer.concat([Buffer.of(mode), Buffer.from(content)]);
}
