import { evaluate } from '../support/evaluate.js';
import { page } from '../support/pages.js';

function read(reader: 'readAdvisories' | 'readSignatures', report: unknown): unknown {
  return evaluate('.ci/audit.mjs', `module.${reader}(${JSON.stringify(report)}).outcome`);
}

function exitCode(outcomes: readonly string[], isRequired: boolean): unknown {
  return evaluate('.ci/audit.mjs', `module.exitCodeOf(${JSON.stringify(outcomes)}, ${isRequired})`);
}

const SAFE = { vulnerabilities: {}, metadata: { vulnerabilities: { low: 0, high: 0, total: 0 } } };
const VULNERABLE = {
  vulnerabilities: { undici: { name: 'undici', severity: 'high' } },
  metadata: { vulnerabilities: { low: 0, high: 1, total: 1 } },
};
const SIGNED = { invalid: [], missing: [] };
const PACKAGE = { name: 'undici', version: '7.0.0' };

describe('the audit of dependencies', () => {
  it.each([
    ['no vulnerability', SAFE, 'ok'],
    ['a vulnerability', VULNERABLE, 'finding'],
    ['a list of vulnerabilities and a total of 0', { ...VULNERABLE, metadata: SAFE.metadata }, 'finding'],
    ['a registry without advisories', { statusCode: 405, error: { summary: '' } }, 'not checked'],
    ['a network without the registry', { error: { code: 'ENOTFOUND' } }, 'not checked'],
    ['a lock file that is missing', { error: { code: 'ENOLOCK' } }, 'finding'],
    ['a registry that rejects the request', { statusCode: 401, error: {} }, 'finding'],
    ['no output', null, 'finding'],
    ['other JSON', {}, 'finding'],
  ])('of %s is %3$s', (_, report, expected) => {
    expect(read('readAdvisories', report)).toBe(expected);
  });

  it.each([
    ['signed packages', SIGNED, 'ok'],
    ['a package with a wrong signature', { ...SIGNED, invalid: [PACKAGE] }, 'finding'],
    ['a package without a signature', { ...SIGNED, missing: [PACKAGE] }, 'finding'],
    ['keys that cannot be reached', { error: { code: 'EAI_AGAIN' } }, 'not checked'],
    ['a registry without keys', { error: { summary: 'found no dependencies to audit that were …' } }, 'not checked'],
    ['no dependencies', { error: { summary: 'found no installed dependencies to audit' } }, 'finding'],
    ['no output', null, 'finding'],
  ])('of %s is %3$s', (_, report, expected) => {
    expect(read('readSignatures', report)).toBe(expected);
  });

  it.each([
    [['ok', 'ok'], 0, 0],
    [['ok', 'not checked'], 0, 1],
    [['not checked', 'finding'], 1, 1],
    [['finding', 'ok'], 1, 1],
  ] as const)('of %j exits with %d, and with --required with %d', (outcomes, code, requiredCode) => {
    expect([exitCode(outcomes, false), exitCode(outcomes, true)]).toEqual([code, requiredCode]);
  });

  it('is one of the checks that a change must pass', () => {
    expect(page('.ci/run')).toMatch(/^node \.ci\/audit\.mjs$/m);
  });
});
