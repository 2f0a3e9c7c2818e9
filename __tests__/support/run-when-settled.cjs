/** Calls a function of an app that throws, as the middleware calls `next()` after a lookup, and prints how the error surfaced. */
const { whenSettled } = require('../../dist/middleware/when-settled.js');

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
