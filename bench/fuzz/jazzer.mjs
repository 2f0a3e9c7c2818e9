// Runs Jazzer.js in a process of its own.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installedTool } from '../../.ci/tools/tool.mjs';
import { supportOlderGlibc } from './older-glibc.mjs';

const here = import.meta.dirname;
const BINARY = join(here, 'node_modules/@jazzer.js/fuzzer/prebuilds/fuzzer-linux-x64.node');
const ENTRY = join(here, 'entry.mjs');
const [GLIBC_MAJOR, GLIBC_MINOR] = [2, 38];
const MAX_MEMORY_MB = 2048;

/** The counts of a process that the fuzzer has ended at once, because an input hung or took too much memory. */
const NOT_COUNTED = { executions: 0, admitted: 0, cpuSeconds: 0 };

/** Only prototype pollution is detected. The others would report that the command reads the files that its arguments name. */
const DISABLED_DETECTORS = '^(?!prototype-pollution)';

export function installJazzer() {
  const jazzer = installedTool('jazzer', here);
  const { glibcVersionRuntime } = process.report.getReport().header;
  const [major, minor] = (glibcVersionRuntime ?? '').split('.').map(Number);
  if (major === GLIBC_MAJOR && minor < GLIBC_MINOR && process.arch === 'x64') supportOlderGlibc(BINARY);
  return jazzer;
}

/**
 * Fuzzes a target.
 *
 * @param built folder of the compiled library
 * @param instrumented folder whose code guides the fuzzer; default: `built`
 * @param corpus folder of inputs, to which new ones are written
 * @param findings folder for inputs that fail
 * @returns the number of executions, how many of them the library admitted, CPU seconds, and the path of an input that failed
 */
export async function fuzz(jazzer, target, { findings, corpus, seconds, ...settings }) {
  mkdirSync(findings, { recursive: true });
  const earlier = new Set(readdirSync(findings));
  const options = [`-max_total_time=${seconds}`, `-artifact_prefix=${findings}/`, `-rss_limit_mb=${MAX_MEMORY_MB}`];
  const { code, output, counts } = await start(jazzer, target, { ...settings, corpora: [corpus], options });
  // The output may end before it names the file.
  const file = readdirSync(findings).find((name) => !earlier.has(name));
  const [, finding = file && join(findings, file)] = /Test unit written to (.*)/.exec(output) ?? [];
  if (code !== 0 && finding === undefined) throw new Error(`Jazzer.js ended with code ${code}:\n${output}`);
  const [, problem] = /==\d+== (.*(?:\n {4}at .*)*)/.exec(output) ?? [];
  return { ...counts, finding, problem };
}

/** Writes as few inputs of a corpus as possible into an empty folder, so that they cover what the corpus covers. */
export async function minimize(jazzer, target, { built, corpus, minimal }) {
  const options = ['-merge=1', '-use_counters=0'];
  const { code, output } = await start(jazzer, target, { built, corpora: [minimal, corpus], options });
  if (code !== 0) throw new Error(`Jazzer.js ended with code ${code}:\n${output}`);
}

async function start(jazzer, target, { built, instrumented = built, corpora, options, isVerbose = false }) {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const [counts, dictionary] = [join(folder, 'counts.json'), join(folder, 'dictionary')];
  writeFileSync(dictionary, target.words.map(dictionaryLine).join(''));
  const ofJazzer = [
    '--includes',
    instrumented,
    '--excludes',
    'node_modules',
    '--disableBugDetectors',
    DISABLED_DETECTORS,
  ];
  if (target.isSynchronous) ofJazzer.push('--sync');
  const ofLibFuzzer = [`-max_len=${target.maxLength}`, `-dict=${dictionary}`, ...options];
  const env = { ...process.env, FUZZ_TARGET: target.name, FUZZ_LIBRARY: built, FUZZ_COUNTS: counts };
  try {
    const ended = await run(jazzer, [ENTRY, ...corpora, ...ofJazzer, '--', ...ofLibFuzzer], env, isVerbose);
    return { ...ended, counts: existsSync(counts) ? JSON.parse(readFileSync(counts, 'utf8')) : NOT_COUNTED };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(jazzer, options, env, isVerbose) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [jazzer, ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = `${output}${text}`.slice(-100_000);
        if (isVerbose) process.stderr.write(text);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

function dictionaryLine(word) {
  const bytes = [...Buffer.from(word)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`);
  return `"${bytes.join('')}"\n`;
}
