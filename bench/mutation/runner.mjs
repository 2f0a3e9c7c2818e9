// Plugins of Stryker: a runner that loads only the test files that cover a mutant, and a reporter that keeps results from the first on.
import { basename, relative, resolve } from 'node:path';
import { declareClassPlugin, declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { strykerPlugins as jestPlugins, strykerValidationSchema } from '@stryker-mutator/jest-runner';
import { PartialReport } from './partial-report.mjs';
import { readStages } from './stages.mjs';

const createJestRunner = jestPlugins[0].factory;

/**
 * Jest's runner of Stryker loads every test file for every mutant, and knows a test only by its name. Here the id of a test begins with
 * its file, so only the covering files are loaded, and only until one test fails.
 */
class CoveringTestsRunner {
  constructor(jestRunner) {
    this.jestRunner = jestRunner;
    this.stages = readStages();
  }

  capabilities() {
    return this.jestRunner.capabilities();
  }

  async init() {
    await this.jestRunner.init();
    this.selectFiles(this.stages.flat());
  }

  async dryRun(options) {
    const result = await this.jestRunner.dryRun(options);
    if (result.tests === undefined) return result;
    const idsByName = new Map();
    for (const test of result.tests) {
      test.id = idOf(test);
      idsByName.set(test.name, [...(idsByName.get(test.name) ?? []), test.id]);
    }
    if (result.mutantCoverage === undefined) return result;
    const covered = Object.entries(result.mutantCoverage.perTest).flatMap(([name, mutants]) =>
      (idsByName.get(name) ?? []).map((id) => [id, mutants]),
    );
    return { ...result, mutantCoverage: { ...result.mutantCoverage, perTest: Object.fromEntries(covered) } };
  }

  /**
   * Runs one test file after another until a test fails. A file that cannot be loaded with the mutant kills nothing, so the others run
   * too. The tests of a mutant of code that runs while a module loads are not known, so all run.
   */
  async mutantRun({ testFilter, ...options }) {
    let failure;
    let nrOfTests = 0;
    for (const [file, names] of inOrder(testFilter, this.stages, options.sandboxFileName)) {
      this.selectFiles([file]);
      const result = await this.jestRunner.mutantRun({ ...options, testFilter: names });
      nrOfTests += result.nrOfTests ?? 0;
      if (result.status === 'killed') {
        const killedBy = result.killedBy.map((name) => idOf({ name, fileName: file }));
        return { ...result, killedBy, nrOfTests };
      }
      if (result.status === 'timeout') return result;
      if (result.status === 'error') failure = result;
    }
    return failure ?? { status: 'survived', nrOfTests };
  }

  selectFiles(files) {
    this.jestRunner.jestConfig.testMatch = files.map((file) => `<rootDir>/${file}`);
  }
}

/**
 * The test files to run, and the names of the tests in each; `undefined` for all tests. Those about the room come first, and of these the
 * test files of the changed source. A file whose name ends with "-rules" is the first of them, because its tests never wait for a process
 * or a socket. Otherwise, those with the most tests that cover the mutant come first.
 */
function inOrder(testFilter, [own, also], source) {
  const namesByFile = new Map();
  if (testFilter === undefined) for (const file of [...own, ...also]) namesByFile.set(file, undefined);
  for (const id of testFilter ?? []) {
    const end = id.indexOf('\n');
    const file = id.slice(0, end);
    namesByFile.set(file, [...(namesByFile.get(file) ?? []), id.slice(end + 1)]);
  }
  const title = `/${basename(source, '.ts')}`;
  const isAbout = (file) => file.includes(`${title}.`) || file.includes(`${title}-rules.`);
  const rank = (file) => (!own.includes(file) ? 3 : !isAbout(file) ? 2 : file.includes('-rules.') ? 0 : 1);
  return [...namesByFile].sort(
    ([one, names = []], [other, otherNames = []]) => rank(one) - rank(other) || otherNames.length - names.length,
  );
}

function idOf({ name, fileName }) {
  return `${relative(process.cwd(), resolve(fileName))}\n${name}`;
}

function createRunner(injector) {
  return new CoveringTestsRunner(injector.injectFunction(createJestRunner));
}
createRunner.inject = ['$injector'];

export const strykerPlugins = [
  declareFactoryPlugin(PluginKind.TestRunner, 'covering-tests', createRunner),
  declareClassPlugin(PluginKind.Reporter, 'partial-report', PartialReport),
];
export { strykerValidationSchema };
