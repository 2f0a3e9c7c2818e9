/**
 * npm run count-tests                            runs all tests of `npm test`, and counts them by kind
 * npm run count-tests -- --write                 also writes the numbers to results/tests/ and docs/quality.md
 *
 * Exits with code 1 if a test fails. Then nothing is written.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { countByKind, renderKinds } from './tests/kinds.mjs';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });

const folder = mkdtempSync(join(tmpdir(), 'count-tests-'));
const file = join(folder, 'results.json');
try {
  const { status } = spawnSync('npm', ['test', '--', '--json', `--outputFile=${file}`], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status === 0) await count(JSON.parse(readFileSync(file, 'utf8')));
  else process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

async function count({ testResults }) {
  const kinds = countByKind(
    testResults.map(({ name, assertionResults }) => ({ file: relative(root, name), tests: assertionResults.length })),
  );
  const text = renderKinds(kinds);
  console.log(text);
  if (!values.write) return;
  const { writeResults } = await import('./quality-page.mjs');
  writeResults('tests', kinds, text);
}
