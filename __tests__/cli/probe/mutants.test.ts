import { GROUPS } from '../../../lib/cli/probe/cases.js';
import type { ProbeReport } from '../../../lib/cli/probe/run-cases.js';
import { runCommand } from '../../support/command.js';
import { page } from '../../support/pages.js';
import { createProbedApi, FAULTS, type Fault, NARROW_TOKEN, TOKEN } from '../../support/probed-api.js';

async function findDifferences(fault?: Fault): Promise<readonly string[]> {
  const { url } = await createProbedApi(fault);
  const { out } = await runCommand(['probe', url, '--token-stdin', '--json'], { stdin: `${TOKEN}\n${NARROW_TOKEN}` });
  const { cases } = JSON.parse(out) as ProbeReport;
  return cases.filter(({ outcome }) => outcome === 'differs').map(({ id }) => id);
}

describe('probe', () => {
  it('finds nothing in an API without faults, and skips no case', async () => {
    const { url } = await createProbedApi();
    const { out, code } = await runCommand(['probe', url, '--token-stdin', '--json'], {
      stdin: `${TOKEN}\n${NARROW_TOKEN}`,
    });
    const { cases, ok } = JSON.parse(out) as ProbeReport;
    expect(cases.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    expect([code, ok]).toEqual([0, true]);
  });

  it.each(FAULTS)('finds that an API %s, by the case %s', async (fault, id) => {
    expect(await findDifferences(fault)).toContain(id);
  });

  it('has a faulty API for every case', () => {
    const found = new Set<string>(FAULTS.map(([, id]) => id));
    const all = [...GROUPS.values()].flat().map(({ id }) => id);
    expect(new Set(all).size).toBe(all.length);
    expect(all.filter((id) => !found.has(id))).toEqual([]);
    expect(page('docs/checking.md')).toContain(`the ${all.length} cases are about`);
  });
});
