// Shows that coverage guides the fuzzer: it finds a fault that chance would not find.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withoutGuard } from '../model/build.mjs';
import { emptyFolder } from './corpus.mjs';
import { fuzz } from './jazzer.mjs';
import { authorizationHeader } from './targets/authorization-header.mjs';

/** A fault behind three comparisons, each inside the one before, with nine given characters. */
const FAULT = {
  guard: 'planted fault',
  file: 'credentials/headers.js',
  from: 'while (value.charCodeAt(start) === SPACE)',
  to: `
    if (value[start + 1] === 'Q') {
      if (value.slice(start + 2, start + 6) === '~z9/') {
        if (value.slice(start + 6, start + 10) === '+kW3') throw new Error('planted');
      }
    }
    while (value.charCodeAt(start) === SPACE)`,
};

/** Only one input and one word, so that nothing of the fault is given. */
const TARGET = { ...authorizationHeader, words: ['Bearer '], maxLength: 100 };
const INPUT = '\0Bearer abc';

/** Returns the result of the fuzzer with the planted fault. With `isGuided: false`, it does not see which code runs. */
export function fuzzPlanted(jazzer, built, { folder, seconds, isGuided }) {
  const [corpus, findings] = ['corpus', 'findings'].map((name) => join(folder, name));
  emptyFolder(corpus);
  writeFileSync(join(corpus, 'input'), INPUT);
  const instrumented = isGuided ? built : join(built, 'nothing');
  return withoutGuard(built, FAULT, () => fuzz(jazzer, TARGET, { built, instrumented, corpus, findings, seconds }));
}
