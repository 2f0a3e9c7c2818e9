import { readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { ROOT } from './support/child.js';
import { page } from './support/pages.js';

/** Words with a meaning of their own in earlier code, and the term to use. Most have a common synonym; some have two meanings. */
const RETIRED: Readonly<Record<string, string>> = {
  adopt: 'join',
  borne: 'accepted',
  circumstances: 'context',
  demand: 'policy, or require',
  entrance: 'entry, or middleware',
  flight: 'pending lookup',
  gate: 'authenticator, or guard',
  heed: 'use, or follow',
  judge: 'verify',
  lane: 'concurrency limit',
  passage: 'request context',
  seal: 'encrypt, or entry cipher',
  stamp: 'position, or time',
  stumble: 'fail',
  surroundings: 'settings',
  suspicion: 'warning',
  vigil: 'token monitor',
  whom: 'the server, or which server',
};

const PHRASES = /\b(?:but for|in place of|stands? in for)\b/gi;

/** `single flight` is the usual term for one lookup that several requests share. */
const ALLOWED = /single[- ]?flight/gi;

const FOLDERS = ['lib', '__tests__', 'example-app', 'bench', 'docs', '.ci', '.github'];
const SKIPPED = /^(?:node_modules|dist|api|coverage|results|\.vitepress|\.generated)$/;
const TEXT = /\.(?:[cm]?[jt]s|md|css|html|json|sh|yml)$/;
const THIS_FILE = '__tests__/words.test.ts';

function findTexts(folder: string): string[] {
  return readdirSync(posix.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.test(entry.name) ? [] : findTexts(path);
    return TEXT.test(entry.name) && !entry.name.startsWith('package') && path !== THIS_FILE ? [path] : [];
  });
}

/** The words of a text, those within identifiers included, without plural and participle endings. */
function* wordsOf(text: string): Generator<string> {
  for (const [name] of text.matchAll(/[A-Za-z]+/g)) {
    for (const [word] of name.matchAll(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g)) {
      const lower = word.toLowerCase();
      yield* [
        lower,
        lower.replace(/s$/, ''),
        lower.replace(/(?:e?d|ing)$/, ''),
        lower.replace(/ing$/, 'e'),
        lower.replace(/d$/, ''),
      ];
    }
  }
}

function retiredIn(text: string): string[] {
  const words = [...wordsOf(text.replace(ALLOWED, ''))].filter((word) => Object.hasOwn(RETIRED, word));
  return [...new Set([...words.map((word) => `${word}: write ${RETIRED[word]}`), ...(text.match(PHRASES) ?? [])])];
}

describe('the words of the project', () => {
  it('are those of the glossary', () => {
    const files = [...FOLDERS.flatMap(findTexts), 'README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];
    expect(files.length).toBeGreaterThan(500);
    expect(files.flatMap((path) => retiredIn(`${path}\n${page(path)}`).map((found) => `${path}: ${found}`))).toEqual(
      [],
    );
  });

  it.each([
    ['const openGate = 1;', ['gate: write authenticator, or guard']],
    ['/** Whom to ask. */', ['whom: write the server, or which server']],
    ['JUDGED_AT', ['judge: write verify']],
    ['A fake stands in for it.', ['stands in for']],
    ['createSingleFlight, single flight, timestamp, delegate, navigate, stand-in', []],
  ])('are found in %j', (text, expected) => {
    expect(retiredIn(text)).toEqual(expected);
  });
});
