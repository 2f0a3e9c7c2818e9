import { createInterface } from 'node:readline/promises';
import type { Source } from '../secrets.js';
import { SERVER_NAMES, serverOf } from '../servers.js';
import { UsageError } from '../usage-error.js';
import { requireName } from '../words.js';
import { requireScopeToken } from './arguments.js';
import { type Choices, DEFAULTS, FRAMEWORK_NAMES, FRAMEWORKS } from './choices.js';

/**
 * Asks the user a question, and resolves to the reply as `parse` returns it. If `parse` throws a UsageError, the question is asked again.
 * `parse` also gets empty replies, which may mean a default.
 *
 * @throws UsageError if the input ends before a valid reply
 */
type Ask = <Value>(question: string, parse: (reply: string) => Value) => Promise<Value>;

/**
 * Asks the user for every choice that no flag has made. Resolves to all choices.
 *
 * @throws UsageError when the input ends before the last question
 */
export async function askForChoices(given: Partial<Choices>, source: Source): Promise<Choices> {
  const { ask, close } = createQuestions(source);
  try {
    const provider = given.provider ?? (await ask(PROVIDER_QUESTION, providerOf));
    const isTypeScript = given.isTypeScript ?? (await ask('TypeScript? (y/N) ', yesOrNo));
    const isCommonJs = given.isCommonJs ?? (await ask('CommonJS instead of ES modules? (y/N) ', yesOrNo));
    const framework = given.framework ?? (await ask(FRAMEWORK_QUESTION, (reply) => nameOf(reply, FRAMEWORK_NAMES)));
    const scope = given.scope ?? (serverOf(provider).hasScope ? await ask(SCOPE_QUESTION, requireScopeToken) : '');
    const directory =
      given.directory ?? (await ask('Folder (empty: the current one): ', (reply) => reply || DEFAULTS.directory));
    return { provider, isTypeScript, isCommonJs, framework, scope, directory };
  } finally {
    close();
  }
}

const PROVIDER_QUESTION = `${list(SERVER_NAMES, (name) => serverOf(name).label)}
Authorization server (number or name): `;

const FRAMEWORK_QUESTION = `${list(FRAMEWORK_NAMES, (name) => FRAMEWORKS[name])}
Framework (number or name; empty: ${DEFAULTS.framework}): `;

const SCOPE_QUESTION = 'Scope that the route requires, such as reports:read (empty: none): ';

function createQuestions({ stdin, stderr }: Source): { ask: Ask; close(): void } {
  const terminal = createInterface({ input: stdin, output: stderr });
  // The iterator keeps lines that arrive before their question. `terminal.question()` would drop these lines.
  const lines = terminal[Symbol.asyncIterator]();
  const ask: Ask = async (question, parse) => {
    terminal.setPrompt(question);
    for (;;) {
      terminal.prompt();
      const { done, value } = await lines.next();
      if (done) throw new UsageError('Nothing was written, because a question has no reply');
      try {
        return parse(value.trim());
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        stderr.write(`${error.message}\n`);
      }
    }
  };
  return { ask, close: () => terminal.close() };
}

function providerOf(reply: string): string {
  if (reply === '') throw new UsageError('Write a number or a name');
  return nameOf(reply, SERVER_NAMES);
}

/**
 * Returns the name that the user chose. The reply is the number of the name in the list, counted from 1, or the name itself. An empty reply
 * means the first name.
 *
 * @throws UsageError for any other reply
 */
function nameOf<Name extends string>(reply: string, names: readonly Name[]): Name {
  const numbered = names[reply === '' ? 0 : Number(reply) - 1];
  return numbered ?? requireName('This', reply, names);
}

function yesOrNo(reply: string): boolean {
  if (/^y(?:es)?$/i.test(reply)) return true;
  if (/^(?:no?)?$/i.test(reply)) return false;
  throw new UsageError('Write y or n');
}

function list<Name extends string>(names: readonly Name[], labelOf: (name: Name) => string): string {
  return names.map((name, index) => `${String(index + 1).padStart(4)}  ${name.padEnd(14)}${labelOf(name)}`).join('\n');
}
