import type { TokenRecord } from '../core/lookup.js';

/** Bytes of a record without its claims. The key in the memory store and the entries in the claim index are included. */
const RECORD_BYTES = 500;

/** Bytes of an object without its members, or of an array without its items. */
const CONTAINER_BYTES = 56;

/** Bytes of one member or array item. A value that is a small integer or a boolean is included. */
const SLOT_BYTES = 8;

/** Additional bytes of a number that is no small integer. */
const NUMBER_BYTES = 16;

/** Bytes of a string without its characters. */
const TEXT_BYTES = 16;

/**
 * Estimates how many bytes of heap a record takes, because the JavaScript engine does not tell the exact size. For claims of all shapes,
 * the estimate is between half and three times the measured size.
 */
export function sizeOf(record: TokenRecord): number {
  if (!record.active) return RECORD_BYTES;
  const seen = new Set<object>();
  return RECORD_BYTES + sizeOfValue(record.claims, seen) + sizeOfValue(record.scopes, seen);
}

/**
 * Estimates the bytes of a value. Recursion is safe, because claims are at most 32 levels deep. An object or array that occurs twice or
 * contains itself is counted once.
 */
function sizeOfValue(value: unknown, seen: Set<object>): number {
  if (typeof value === 'string') return sizeOfText(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) && Math.abs(value) < 2 ** 31 ? 0 : NUMBER_BYTES;
  if (typeof value !== 'object' || value === null || seen.has(value)) return 0;
  seen.add(value);
  let size = CONTAINER_BYTES;
  if (Array.isArray(value)) {
    for (const item of value) size += SLOT_BYTES + sizeOfValue(item, seen);
    return size;
  }
  for (const [name, member] of Object.entries(value)) size += SLOT_BYTES + sizeOfText(name) + sizeOfValue(member, seen);
  return size;
}

/**
 * Estimates the bytes of a string. A string of Latin-1 characters takes one byte for each character, and any other string takes two bytes
 * for each character.
 */
function sizeOfText(text: string): number {
  return TEXT_BYTES + (/^[\0-\xff]*$/.test(text) ? text.length : 2 * text.length);
}
