import { createInterface } from 'node:readline/promises';
import { type Readable, Writable } from 'node:stream';
import { UsageError } from './usage-error.js';

/** The sources of secrets. */
export interface Source {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Prompts are written here. */
  readonly stderr: Writable;
}

/**
 * Reads a secret from `CLIENT_SECRET`, or asks for it in a terminal.
 *
 * @throws UsageError when the variable is not set and standard input is not a terminal
 */
export async function readSecret({ env, stdin, stderr }: Source, label: string): Promise<string> {
  const { CLIENT_SECRET: secret } = env;
  if (secret !== undefined && secret !== '') return secret;
  if (stdin.isTTY !== true) throw new UsageError(`The ${label} is missing: set CLIENT_SECRET`);
  return askHidden(stdin, stderr, label);
}

/**
 * Reads the token from standard input, without surrounding whitespace. In a terminal it asks for the token without showing it.
 *
 * @throws UsageError when standard input is empty: a missing token must not look like a rejected one
 */
export async function readTokenFrom({ stdin, stderr }: Source): Promise<string> {
  if (stdin.isTTY === true) return askHidden(stdin, stderr, 'token');
  let text = '';
  for await (const chunk of stdin) text += String(chunk);
  if (text.trim() === '') throw new UsageError('The token is missing: standard input is empty');
  return text.trim();
}

async function askHidden(stdin: Readable, stderr: Writable, label: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: stdin, output: nowhere, terminal: true });
  const lines = new Promise<string>((resolve, reject) => {
    terminal.once('line', resolve);
    terminal.once('close', () => reject(new UsageError(`The ${label} is missing`)));
  });
  stderr.write(`${label} (not shown): `);
  try {
    return await lines;
  } finally {
    stderr.write('\n');
    terminal.close();
  }
}
