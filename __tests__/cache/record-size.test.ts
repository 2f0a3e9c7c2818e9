import { sizeOf } from '../../lib/cache/record-size.js';
import type { ActiveRecord } from '../../lib/core/lookup.js';
import { activeRecord, inactiveRecord } from '../support/records.js';

const withClaims = (claims: unknown, scopes: readonly string[] = []) =>
  ({ ...activeRecord(), claims, scopes }) as unknown as ActiveRecord;

/** The estimated bytes of a record without claims and scopes: 500, and two containers of 56. */
const EMPTY = 612;

/** The bytes of a member with the name `a`, without its value: a slot of 8, and a name of 16 + 1. */
const MEMBER = 25;

const shared = ['x'];
const cyclic: unknown[] = [];
cyclic.push(cyclic);

describe('the estimated size of a record', () => {
  it('is 500 bytes if it is inactive', () => {
    expect(sizeOf(inactiveRecord())).toBe(500);
  });

  it('includes its claims and scopes', () => {
    expect(sizeOf(withClaims({}))).toBe(EMPTY);
    expect(sizeOf(withClaims({}, ['read', 'x']))).toBe(EMPTY + 2 * 8 + 2 * 16 + 5);
  });

  it.each<[string, unknown, number]>([
    ['an empty text', '', 16],
    ['Latin-1 text, with one byte for each character', 'abcü\0ÿ', 16 + 6],
    ['other text, with two bytes for each character', 'abcĀ', 16 + 8],
    ['text with another character in its middle', 'a€b', 16 + 6],
    ['text of several lines', 'a\nb', 16 + 3],
    ['a small integer', 2 ** 31 - 1, 0],
    ['a small negative integer', -(2 ** 31 - 1), 0],
    ['a large integer', 2 ** 31, 16],
    ['a large negative integer', -(2 ** 31), 16],
    ['a fraction', 0.5, 16],
    ['true', true, 0],
    ['null', null, 0],
    ['undefined', undefined, 0],
    ['an empty object', {}, 56],
    ['an object', { a: 'x' }, 56 + MEMBER + 17],
    ['an empty list', [], 56],
    ['a list', ['x', 1], 56 + 2 * 8 + 17],
    ['a list in a list', [[]], 56 + 8 + 56],
    ['a list that occurs twice', [shared, shared], 56 + 2 * 8 + 56 + 8 + 17],
    ['a list that contains itself', cyclic, 56 + 8],
  ])('includes %s', (_name, value, bytes) => {
    expect(sizeOf(withClaims({ a: value }))).toBe(EMPTY + MEMBER + bytes);
  });

  it('counts an object that occurs in the claims and the scopes once', () => {
    expect(sizeOf(withClaims({ a: shared }, shared))).toBe(EMPTY + MEMBER + 8 + 17);
  });
});
