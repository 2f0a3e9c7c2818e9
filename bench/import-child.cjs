// Loads the packages on the command line, and sends the time that it took and the loaded files.
const { createRequire } = require('node:module');
const { join } = require('node:path');

const load = createRequire(join(__dirname, '..', 'package.json'));
const start = process.hrtime.bigint();
for (const name of process.argv.slice(2)) load(name);
const millis = Number(process.hrtime.bigint() - start) / 1e6;
process.on('message', ({ id }) => process.send({ id, millis, files: Object.keys(require.cache) }));
process.send({});
process.on('disconnect', () => process.exit());
