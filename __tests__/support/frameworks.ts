import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { type Child, ROOT, startChild } from './child.js';

const FOLDER = '__tests__/.generated/frameworks';

/** Runs the app that a guide shows under a heading, with only its endpoint and port changed. It is stopped after the test file. */
export async function startGuide(
  heading: string,
  endpoint: string,
  page = 'docs/frameworks.md',
): Promise<{ url: string; child: Child }> {
  const guide = readFileSync(join(ROOT, page), 'utf8');
  const section = guide.slice(guide.indexOf(`\n## ${heading}\n`));
  const [, code = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(section) ?? [];
  const port = await freePort();
  const file = `${FOLDER}/${heading.toLowerCase()}.mjs`;
  mkdirSync(join(ROOT, FOLDER), { recursive: true });
  writeFileSync(
    join(ROOT, file),
    compile(replace(replace(code, 'https://as.example.com/oauth2/introspect', endpoint), '3000', String(port))),
  );
  const child = startChild(file, [], { CLIENT_SECRET: 'secret', NODE_OPTIONS: '', NODE_ENV: 'test' });
  const url = `http://127.0.0.1:${port}`;
  while (!(await isUp(port))) {
    if (child.process.exitCode !== null) throw new Error(child.errorOutput());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, child };
}

export function removeGuides(): void {
  rmSync(join(ROOT, FOLDER), { recursive: true, force: true });
}

function compile(code: string): string {
  return transformSync(code, {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true },
    },
    module: { type: 'es6' },
  }).code;
}

function replace(code: string, part: string, by: string): string {
  if (code.split(part).length !== 2) throw new Error(`The guide must contain "${part}" once`);
  return code.replace(part, by);
}

/** Whether something listens on the port. It sends no request, because a server may not respond to unknown ones. */
async function isUp(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
  }).then((isListening) => {
    socket.destroy();
    return isListening === true;
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
