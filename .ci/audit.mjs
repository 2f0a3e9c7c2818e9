// Asks the registry for known vulnerabilities of the packages that users install, and verifies the signatures of all installed packages.
// Exits with 1 for a finding. Some registries and networks offer neither: this is printed as NOT CHECKED, and passes.
// With --required it fails too: CI and the release use that, so nothing is published unchecked.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Codes of npm for a network or a registry that cannot be asked. */
const UNAVAILABLE_CODES =
  /^(?:E(?:NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|HOSTUNREACH|NETUNREACH)|EAI_AGAIN|ERR_SOCKET_TIMEOUT|E404|E405|E50[0-4]|ENOAUDIT)$/;

/** Status codes of a registry that has no advisories, or none at the moment. */
const UNAVAILABLE_STATUSES = new Set([404, 405, 500, 501, 502, 503, 504]);

const passed = (message) => ({ outcome: 'ok', message });
const failed = (message) => ({ outcome: 'finding', message });
const unavailable = (message) => ({ outcome: 'not checked', message });

/** What the JSON of `npm audit --omit=dev --json` says. Everything that is not understood is a finding. */
export function readAdvisories(report) {
  const total = report?.metadata?.vulnerabilities?.total;
  if (total === 0 && Object.keys(report.vulnerabilities ?? {}).length === 0) return passed('no known vulnerabilities');
  if (Number.isInteger(total)) {
    const names = Object.entries(report.vulnerabilities ?? {}).map(([name, { severity }]) => `${name} (${severity})`);
    return failed(`${total} known vulnerabilities: ${names.join(', ')}`);
  }
  return readError(report);
}

/** What the JSON of `npm audit signatures --json` says. */
export function readSignatures(report) {
  const { invalid, missing } = report ?? {};
  if (!Array.isArray(invalid) || !Array.isArray(missing)) return readError(report);
  const names = [...invalid, ...missing].map(({ name, version }) => `${name}@${version}`);
  if (names.length === 0) return passed('the registry has signed every package');
  return failed(`${invalid.length} signatures are invalid and ${missing.length} are missing: ${names.join(', ')}`);
}

function readError(report) {
  const { statusCode, error } = report ?? {};
  if (UNAVAILABLE_STATUSES.has(statusCode)) return unavailable(`the registry responded with ${statusCode}`);
  const { code, summary } = error ?? {};
  if (/^found no dependencies to audit/.test(summary)) return unavailable('the registry has no keys for signatures');
  if (UNAVAILABLE_CODES.test(code)) return unavailable(`the registry or its keys cannot be reached (${code})`);
  return failed(`npm failed: ${code ?? statusCode ?? 'its output is not understood'}`);
}

const CHECKS = [
  ['npm audit --omit=dev', ['audit', '--omit=dev'], readAdvisories],
  ['npm audit signatures', ['audit', 'signatures'], readSignatures],
];

function runNpm(args) {
  const flags = ['--json', '--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--loglevel=silent'];
  try {
    return parse(execFileSync('npm', [...args, ...flags], { cwd: root, encoding: 'utf8' }));
  } catch ({ stdout }) {
    // npm exits with 1 for a finding too, and prints JSON in both cases.
    return parse(stdout);
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The exit code for the outcomes of all checks. */
export function exitCodeOf(outcomes, isRequired) {
  return outcomes.every((outcome) => outcome === 'ok' || (outcome === 'not checked' && !isRequired)) ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) {
  const outcomes = CHECKS.map(([title, args, read]) => {
    const { outcome, message } = read(runNpm(args));
    console.log(`${title}: ${outcome === 'ok' ? 'ok' : outcome.toUpperCase()}, ${message}`);
    return outcome;
  });
  process.exitCode = exitCodeOf(outcomes, process.argv.includes('--required'));
}
