#!/usr/bin/env node
import { run } from './run.js';

// Node prints no warnings, because the report already contains those of the library.
process.removeAllListeners('warning');

run(process.argv.slice(2), {
  env: process.env,
  folder: process.cwd(),
  stdin: process.stdin,
  stderr: process.stderr,
  isColourful: process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '',
  out: (text) => console.log(text),
  err: (text) => console.error(text),
}).then((code) => {
  process.exitCode = code;
});
