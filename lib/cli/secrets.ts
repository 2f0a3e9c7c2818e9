import { createInterface } from 'node:readline/promises';
import { type Readable, Writable } from 'node:stream';
import { UsageError } from './usage-error.js';

/** The places from which secrets are read, and the stream to which prompts are written. */
export interface Source {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** The stream to which prompts are written. */
  readonly stderr: Writable;
}

/**
 * Reads a secret from the variable `CLIENT_SECRET`. If this variable is not set or is empty, asks the user for the secret in a terminal,
 * without showing the reply.
 *
 * @throws UsageError if the variable is not set or is empty, and standard input is not a terminal or ends without a line
 */
export async function readSecret({ env, stdin, stderr }: Source, label: string): Promise<string> {
  const { CLIENT_SECRET: secret } = env;
  if (secret !== undefined && secret !== '') return secret;
  if (stdin.isTTY !== true) throw new UsageError(`The ${label} is missing: set CLIENT_SECRET`);
  return askHidden(stdin, stderr, label);
}

/**
 * Reads the token from standard input, and removes whitespace at the beginning and end. If standard input is a terminal, asks the user for
 * the token without showing the reply, and removes nothing.
 *
 * @throws UsageError if standard input is empty, or ends without a line in a terminal: a missing token must not look like a rejected token
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
