import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { printable } from '../diagnostics/printable.js';
import { type IssuedAssertion, parseAssertion, unusable } from './issued-assertion.js';

/**
 * Creates a function that returns the assertion in a file. It reads the file each time, so it never misses a change, however the file was
 * replaced: a watcher misses changes behind symbolic links, and times of modification can be equal.
 *
 * A file can be missing for a moment or hold only a part of an assertion, because not every program replaces files atomically. Then the
 * assertion of the last successful reading is returned until it expires.
 *
 * The function throws an `IntrospectionError` `credentials_unavailable` if there is no assertion that may be sent.
 */
export function createAssertionFile(path: string): () => Promise<string> {
  const name = printable(basename(path));
  let latest: IssuedAssertion | undefined;

  async function read(): Promise<IssuedAssertion> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw unusable('cannot be read', name, error.code);
    });
    return parseAssertion(text, Date.now(), name);
  }

  return async () => {
    try {
      latest = await read();
    } catch (error) {
      if (latest === undefined || latest.expiresAt <= Date.now()) throw error;
    }
    return latest.assertion;
  };
}
