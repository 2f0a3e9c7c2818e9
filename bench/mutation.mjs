/**
 * npm run mutation                               changes the code of all rooms in small ways, and runs the tests on each change
 * npm run mutation -- verification               only these rooms; a room takes minutes
 * npm run mutation -- verification --write       also writes the results to results/mutation/ and docs/quality.md
 *
 * A run continues the one before, even an interrupted one: only mutants of changed code, and those with changed tests, are tested again.
 * Stryker does not notice a change of other code, such as a helper of the tests. With --force, all mutants are tested again. With
 * --concurrency=1, only one processor is used. A test fails after 10 seconds: on a busy machine, use --test-seconds=60. Exits with code 1 if a mutant survives that mutation/equivalent.mjs does not list, or if
 * a listed one does not survive.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installedTool } from '../.ci/tools/tool.mjs';
import { EQUIVALENT } from './mutation/equivalent.mjs';
import { writeResults } from './mutation/report.mjs';
import { ROOMS } from './mutation/rooms.mjs';
import { compareWithList, countMutants, formatScore, mutantsWith } from './mutation/survivors.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    write: { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
    'test-seconds': { type: 'string', default: '10' },
    concurrency: { type: 'string', default: String(availableParallelism()) },
  },
});
const rooms = positionals.length === 0 ? Object.keys(ROOMS) : positionals;
const unknown = rooms.find((room) => !Object.hasOwn(ROOMS, room));
if (unknown !== undefined) throw new Error(`"${unknown}": use names from ${Object.keys(ROOMS).join(', ')}`);

installedTool('stryker', join(import.meta.dirname, 'mutation'));
const { runRoom } = await import('./mutation/run-room.mjs');

for (const room of rooms) {
  const [concurrency, testSeconds] = [values.concurrency, values['test-seconds']].map(Number);
  const report = await runRoom(room, { concurrency, testSeconds, force: values.force });
  const counts = countMutants(report);
  const entries = EQUIVALENT.filter(({ file }) => Object.hasOwn(report.files, file));
  const { listed, unlisted, outdated } = compareWithList(mutantsWith('Survived', report), entries);
  console.log(`\n${room}: ${formatScore(counts)} of the covered mutants killed`);
  console.log(counts);
  print('Survived, and is not listed as equivalent', unlisted);
  print('Listed as equivalent, but does not survive so often', outdated);
  print('Not covered by a test', mutantsWith('NoCoverage', report));
  if (unlisted.length + outdated.length > 0) process.exitCode = 1;
  const date = new Date().toISOString().slice(0, 10);
  if (values.write) writeResults({ [room]: { ...counts, equivalent: listed.length, date } });
}

function print(title, mutants) {
  for (const { file, lineNumber, mutator, line, original, replacement } of mutants) {
    console.log(`\n${title}: ${file}${lineNumber === undefined ? '' : `:${lineNumber}`} ${mutator}`);
    console.log(`    ${line}\n    ${original}  →  ${replacement}`);
  }
}
