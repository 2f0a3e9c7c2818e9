/** Calls a function of an app that throws, as the middleware calls `next()` after a lookup, and prints how the error surfaced. */
const { join } = require('node:path');
const { transformFileSync } = require('@swc/core');

const { code } = transformFileSync(join(__dirname, '../../lib/middleware/when-settled.ts'), {
  jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  module: { type: 'commonjs' },
});
const exported = {};
new Function('require', 'exports', code)(require, exported);
const { whenSettled } = exported;

for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => console.log(event, error.message));
}

function own() {
  console.log('called');
  throw new Error('of the app');
}
const other = () => console.log('failed twice');

if (process.argv[2] === 'going on') whenSettled(Promise.resolve(), () => {}, own, other);
else whenSettled(Promise.reject(new Error('no')), () => {}, other, own);
