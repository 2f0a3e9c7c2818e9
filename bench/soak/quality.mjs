// Writes the last results of the two long tests with real servers into docs/quality.md.
import * as page from '../quality-page.mjs';
import { table } from '../report.mjs';
import { countFaults } from './report.mjs';

/** Writes the section about `npm run soak` and `npm run fleet`, from the kept results of both. */
export function writeSoakSection() {
  const { seed, seconds, phases, apis, violationCount } = page.readResults('soak');
  const fleet = page.readResults('fleet');
  const outages = [
    `two APIs and an authorization server, seed ${seed}`,
    ...[seconds, countFaults(phases), sum(Object.values(apis), 'requests'), violationCount, '`npm run soak`'],
  ];
  const fleets = [
    'up to 8 processes, Redis and an authorization server',
    ...[fleet.seconds, fleet.faults.length, sum(fleet.faults, 'requests'), fleet.violations.length, '`npm run fleet`'],
  ];
  const head = ['what runs', 'seconds', 'faults', 'requests', 'violations', 'command'];
  page.writeSection('soak', table(head, [outages, fleets]));
}

function sum(rows, name) {
  return rows.reduce((total, row) => total + row[name], 0);
}
