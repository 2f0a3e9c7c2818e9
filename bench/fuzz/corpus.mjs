// The inputs of a target that are committed: one file for each target, and one input in base64 in each line.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'corpus');
const MAX_INPUTS = 30;
const MAX_BYTES = 4096;

/** Returns the committed inputs of a target, and those that its file names. */
export function inputsOf(target) {
  return [...target.seeds(), ...committed(target)];
}

export function committed({ name }) {
  const file = fileOf(name);
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .map((line) => Buffer.from(line, 'base64'))
    : [];
}

/** Replaces the committed inputs with the shortest ones of a folder, except those that the file of the target names. */
export function commit(target, folder) {
  const known = new Set(target.seeds().map((bytes) => bytes.toString('base64')));
  const found = inputsIn(folder).filter((bytes) => bytes.length <= MAX_BYTES && !known.has(bytes.toString('base64')));
  const kept = found.sort((a, b) => a.length - b.length).slice(0, MAX_INPUTS);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(target.name), kept.map((bytes) => bytes.toString('base64')).join('\n'));
}

/** Adds the inputs of a target to a folder, and creates the folder if it is missing. */
export function writeInputs(target, folder) {
  mkdirSync(folder, { recursive: true });
  for (const [index, bytes] of inputsOf(target).entries()) writeFileSync(join(folder, `input-${index}`), bytes);
}

export function emptyFolder(path) {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
}

function inputsIn(folder) {
  return readdirSync(folder).map((name) => readFileSync(join(folder, name)));
}

function fileOf(name) {
  return join(FOLDER, `${name}.txt`);
}
