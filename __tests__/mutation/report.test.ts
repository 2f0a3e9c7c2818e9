import { evaluate } from '../support/evaluate.js';

const SOURCE = ['if (a < b) return 1;', '', 'if (a < b) return 1;', 'while (c) {', '  d();', '}'].join('\n');

function mutant(status: string, line: number, replacement = 'a <= b') {
  const location = { start: { line, column: 5 }, end: { line, column: 10 } };
  return { status, mutatorName: 'EqualityOperator', replacement, location };
}

const SLOW = { statusReason: 'Error: thrown: "Exceeded timeout of 10000 ms for a test."' };

const BLOCK = {
  status: 'Survived',
  mutatorName: 'BlockStatement',
  replacement: '{\n}',
  location: { start: { line: 4, column: 11 }, end: { line: 6, column: 2 } },
};

const reportOf = (...mutants: object[]) => ({ files: { 'lib/a.ts': { source: SOURCE, mutants } } });

const SURVIVOR = {
  file: 'lib/a.ts',
  mutator: 'EqualityOperator',
  line: 'if (a < b) return 1;',
  original: 'a < b',
  replacement: 'a <= b',
};

function inSurvivors(call: string): unknown {
  return evaluate('bench/mutation/survivors.mjs', `module.${call}`);
}

function inReport(call: string): unknown {
  return evaluate('bench/mutation/report.mjs', `module.${call}`);
}

describe('a report of Stryker', () => {
  it('is counted by the fate of each mutant', () => {
    const fates = ['Killed', 'Killed', 'Survived', 'Timeout', 'NoCoverage', 'RuntimeError', 'CompileError', 'Ignored'];
    const report = reportOf(...fates.map((status) => mutant(status, 1)));
    report.files['lib/a.ts'].mutants.push({ ...mutant('Killed', 1), ...SLOW });
    expect(inSurvivors(`countMutants(${JSON.stringify(report)})`)).toEqual({
      ...{ mutants: 9, killed: 2, timedOut: 2, survived: 1, notCovered: 1, failed: 3 },
    });
  });

  it.each([
    [{ killed: 8, timedOut: 1, survived: 1, notCovered: 90 }, 0.9],
    [{ killed: 0, timedOut: 0, survived: 5, notCovered: 0 }, 0],
    [{ killed: 0, timedOut: 0, survived: 0, notCovered: 5 }, 0],
  ])('of %j has the score %d: only covered mutants count, and all survivors', (counts, score) => {
    expect(inSurvivors(`scoreOf(${JSON.stringify(counts)})`)).toBe(score);
  });

  it('is continued without results that new tests may change', () => {
    const isStatic = { static: true };
    const kept = [mutant('Killed', 1), mutant('Survived', 1), mutant('NoCoverage', 1)];
    const retried = [
      ...['RuntimeError', 'Pending', 'Timeout'].map((status) => mutant(status, 3)),
      { ...mutant('Survived', 3), ...isStatic },
      { ...mutant('Killed', 3), ...SLOW },
    ];
    const killed = { ...mutant('Killed', 3), ...isStatic };
    const report = { schemaVersion: '1.0', ...reportOf(...kept, ...retried, killed) };
    expect(inSurvivors(`reusableResults(${JSON.stringify(report)})`)).toEqual({
      ...{ schemaVersion: '1.0', ...reportOf(...kept, killed) },
    });
  });

  it('describes survivors by the text of their first line, in the order of the lines', () => {
    const report = reportOf(BLOCK, mutant('Killed', 3), mutant('Survived', 1));
    expect(inSurvivors(`mutantsWith('Survived', ${JSON.stringify(report)})`)).toEqual([
      { ...SURVIVOR, lineNumber: 1 },
      {
        ...{ file: 'lib/a.ts', lineNumber: 4, mutator: 'BlockStatement' },
        ...{ line: 'while (c) {', original: '{', replacement: '{' },
      },
    ]);
  });
});

describe('the list of equivalent mutants', () => {
  const compare = (survivors: object[], entries: object[]) =>
    inSurvivors(`compareWithList(${JSON.stringify(survivors)}, ${JSON.stringify(entries)})`);
  const other = { ...SURVIVOR, replacement: 'a >= b' };

  it('finds a survivor that moved to another line', () => {
    const survivors = [{ ...SURVIVOR, lineNumber: 70 }];
    expect(compare(survivors, [SURVIVOR])).toEqual({ listed: survivors, unlisted: [], outdated: [] });
  });

  it('names survivors that it does not contain', () => {
    expect(compare([SURVIVOR, other], [SURVIVOR])).toEqual({ listed: [SURVIVOR], unlisted: [other], outdated: [] });
  });

  it.each(['file', 'mutator', 'line', 'original', 'replacement'])('compares the %s', (member) => {
    const survivor = { ...SURVIVOR, [member]: 'different' };
    expect(compare([survivor], [SURVIVOR])).toEqual({ listed: [], unlisted: [survivor], outdated: [SURVIVOR] });
  });

  it('names entries whose mutant was killed', () => {
    expect(compare([], [SURVIVOR])).toEqual({ listed: [], unlisted: [], outdated: [SURVIVOR] });
  });

  it('names entries that describe more or fewer mutants than survived', () => {
    const twice = { ...SURVIVOR, times: 2 };
    expect(compare([SURVIVOR, SURVIVOR], [twice])).toMatchObject({ unlisted: [], outdated: [] });
    expect(compare([SURVIVOR], [twice])).toMatchObject({ unlisted: [], outdated: [twice] });
    expect(compare([SURVIVOR, SURVIVOR], [SURVIVOR])).toMatchObject({ unlisted: [], outdated: [SURVIVOR] });
  });
});

describe('the table of mutation scores', () => {
  const counts = { mutants: 100, killed: 84, timedOut: 1, survived: 10, notCovered: 3, failed: 2 };
  const results = {
    cache: { ...counts, equivalent: 9, date: '2026-01-02' },
    verification: { ...counts, equivalent: 10, date: '2026-01-03' },
  };

  it('has one row for each room that was tested, in the order of the rooms, rounds scores down, and names the other rooms', () => {
    const table = inReport(`renderTable(${JSON.stringify(results)})`) as string;
    expect(table.split('\n').slice(2)).toEqual([
      '| verification | 100 | 84 | 1 | 10 | 10 | 3 | 2 | 89.4 % | 2026-01-03 | `npm run mutation -- verification` |',
      '| cache | 100 | 84 | 1 | 10 | 9 | 3 | 2 | 89.4 % | 2026-01-02 | `npm run mutation -- cache` |',
      '',
      'Not measured yet: credentials, middleware, shared-cache, introspection, signals, polling, streams.',
    ]);
  });
});

describe('the rooms', () => {
  it('consist of files that exist', () => {
    const files = evaluate(
      'bench/mutation/rooms.mjs',
      'Object.values(module.ROOMS).map(module.filesOf).flatMap(({ mutate, stages }) => [mutate, stages].flat(2)).filter((file) => !process.getBuiltinModule("node:fs").existsSync(file))',
    );
    expect(files).toEqual([]);
  });
});
