import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Child {
  readonly process: ChildProcess;
  /** Lines of its standard output so far. */
  readonly lines: readonly string[];
  /** Its standard error so far. */
  errorOutput(): string;
  /** The first line that matches, earlier lines included. Rejects if the process exits without one. */
  line(matches: (line: string) => boolean): Promise<string>;
  /** Its exit code, or `null` if a signal ended it. Resolves after its output has been read. */
  readonly exit: Promise<number | null>;
}

export const ROOT = join(__dirname, '../..');

const children = new Set<ChildProcess>();

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** Runs a script with Node in another process. It is killed after the test file. */
export function startChild(
  script: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
  folder: string = ROOT,
): Child {
  const process_ = spawn(process.execPath, [script, ...args], { cwd: folder, env: { ...process.env, ...env } });
  children.add(process_);
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  let errors = '';
  let ended = false;
  const tell = () => {
    for (const listener of [...listeners]) listener();
  };

  process_.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  createInterface({ input: process_.stdout }).on('line', (line) => {
    lines.push(line);
    tell();
  });
  const exit = new Promise<number | null>((resolve) => {
    process_.once('close', (code) => {
      children.delete(process_);
      ended = true;
      tell();
      resolve(code);
    });
  });

  function line(matches: (line: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = lines.find(matches);
        if (found === undefined && !ended) return;
        listeners.delete(look);
        if (found === undefined) reject(new Error(`${script} exited without the expected line: ${errors}`));
        else resolve(found);
      };
      listeners.add(look);
      look();
    });
  }

  return { process: process_, lines, errorOutput: () => errors, line, exit };
}
