/**
 * The binary of Jazzer.js needs glibc 2.38, but uses only two functions of it: `strtol` and `strtoul` under new names. This file lets an
 * older glibc load it. It changes names and versions in the symbol table of the binary, and no code.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const [DYNAMIC_SYMBOLS, VERSION_NEEDS, VERSIONS] = [0xb, 0x6ffffffe, 0x6fffffff];
const SYMBOL_BYTES = 24;
const WEAK_SYMBOL = 2 << 4;
const WEAK_VERSION = 2;
const UNVERSIONED = 1;

/** Functions with the same name behind this prefix in every glibc. They differ only for binary numbers such as `0b1`. */
const RENAMED = '__isoc23_';
/** Only its existence is required, so that a program is not started with an older libstdc++. It is never called. */
const UNUSED = '_ZSt21ios_base_library_initv';

export function supportOlderGlibc(path) {
  const file = readFileSync(path);
  const sections = sectionsOf(file);
  const symbols = sections.find(({ type }) => type === DYNAMIC_SYMBOLS);
  const versions = sections.find(({ type }) => type === VERSIONS);
  const needs = sections.find(({ type }) => type === VERSION_NEEDS);
  const names = sections[symbols.link].offset;
  const nameAt = (offset) => file.toString('latin1', names + offset, file.indexOf(0, names + offset));
  const replaced = new Set();
  for (let index = 0; index < symbols.size / SYMBOL_BYTES; index++) {
    const symbol = symbols.offset + index * SYMBOL_BYTES;
    const version = versions.offset + index * 2;
    const name = nameAt(file.readUInt32LE(symbol));
    if (!name.startsWith(RENAMED) && name !== UNUSED) continue;
    if (file.readUInt16LE(version) === UNVERSIONED) continue;
    replaced.add(file.readUInt16LE(version));
    file.writeUInt16LE(UNVERSIONED, version);
    if (name === UNUSED) file[symbol + 4] = WEAK_SYMBOL | (file[symbol + 4] & 0xf);
    else file.writeUInt32LE(file.readUInt32LE(symbol) + RENAMED.length, symbol);
  }
  // The file was changed before.
  if (replaced.size === 0) return;
  for (const { flags, index } of neededVersions(file, needs))
    if (replaced.has(index)) file.writeUInt16LE(WEAK_VERSION, flags);
  writeFileSync(path, file);
}

function sectionsOf(file) {
  const [table, bytes, count] = [Number(file.readBigUInt64LE(0x28)), file.readUInt16LE(0x3a), file.readUInt16LE(0x3c)];
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * bytes;
    const number = (offset) => Number(file.readBigUInt64LE(at + offset));
    return {
      type: file.readUInt32LE(at + 4),
      offset: number(0x18),
      size: number(0x20),
      link: file.readUInt32LE(at + 0x28),
    };
  });
}

/** The versions of other libraries that the binary needs: the position of the flags of each, and its index. */
function* neededVersions(file, { offset }) {
  for (let library = offset, next = 1; next !== 0; library += next) {
    next = file.readUInt32LE(library + 12);
    for (let at = library + file.readUInt32LE(library + 8), step = 1; step !== 0; at += step) {
      step = file.readUInt32LE(at + 12);
      yield { flags: at + 4, index: file.readUInt16LE(at + 6) };
    }
  }
}
