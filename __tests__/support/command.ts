import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { run } from '../../lib/cli/run.js';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Input {
  readonly env?: Readonly<Record<string, string>>;
  /** Content of standard input, or the text typed into a terminal. */
  readonly stdin?: string;
  readonly isTTY?: boolean;
  readonly isColourful?: boolean;
  /** Default: a folder without files. */
  readonly folder?: string;
}

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A new, empty folder. It is removed after the test file. */
export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'command-'));
  folders.push(folder);
  return folder;
}

/** Runs the command in this process. `err` includes the questions. */
export async function runCommand(words: readonly string[], input: Input = {}): Promise<Ran> {
  const { env = {}, stdin = '', isTTY = false, isColourful = false, folder = createFolder() } = input;
  const told = { out: '', err: '', asked: '' };
  const code = await run(words, {
    env,
    folder,
    stdin: Object.assign(Readable.from([Buffer.from(stdin)]), { isTTY }),
    stderr: new Writable({
      write(chunk, _encoding, done) {
        told.asked += String(chunk);
        done();
      },
    }),
    isColourful,
    out: (text) => {
      told.out += text;
    },
    err: (text) => {
      told.err += text;
    },
  });
  return { code, out: told.out, err: told.err + told.asked };
}
