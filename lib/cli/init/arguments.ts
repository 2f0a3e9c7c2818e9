import type { ParseArgsConfig } from 'node:util';
import { SCOPE_TOKEN } from '../../core/syntax.js';
import { SERVER_NAMES, serverOf } from '../servers.js';
import { UsageError } from '../usage-error.js';
import { parseFlags, requireName } from '../words.js';
import { type Choices, DEFAULTS, FRAMEWORK_NAMES } from './choices.js';

/**
 * The command line of `init`. `given` are the choices that flags make. If `yes` is `true`, all other choices get their defaults, and
 * nothing is asked.
 */
export interface InitArguments {
  readonly given: Partial<Choices>;
  readonly yes: boolean;
}

const OPTIONS = {
  provider: { type: 'string' },
  typescript: { type: 'boolean' },
  commonjs: { type: 'boolean' },
  framework: { type: 'string' },
  scope: { type: 'string' },
  directory: { type: 'string' },
  yes: { type: 'boolean', short: 'y' },
  help: { type: 'boolean', short: 'h' },
} satisfies ParseArgsConfig['options'];

const NAME_WIDTH = 15;

const SERVER_LIST = SERVER_NAMES.map((name) => `    ${name.padEnd(NAME_WIDTH)}${serverOf(name).label}`).join('\n');

export const USAGE = `Usage: express-token-introspection init [options]

Writes an app that checks access tokens, and an .env.example with the variables that it reads.
In a terminal it asks for what you leave out. It never overwrites a file.

  --provider NAME      your authorization server:
${SERVER_LIST}
  --framework NAME     ${FRAMEWORK_NAMES.join(', ')}; default: ${DEFAULTS.framework}
  --typescript         TypeScript; default: JavaScript
  --commonjs           CommonJS; default: an ES module
  --scope SCOPE        scope that the route requires, such as reports:read; default: none
  --directory FOLDER   default: the current folder
  --yes                ask nothing: use the defaults, and endpoint as provider
  --help

Exit codes
  0  the files were written
  1  a file exists or cannot be written
  2  the command line is invalid
`;

/**
 * Parses the words that follow `init` on the command line. Returns `'help'` if `--help` is among these words.
 *
 * @throws UsageError for an unknown flag or an invalid value
 */
export function parseArguments(words: readonly string[]): InitArguments | 'help' {
  const { provider, typescript, commonjs, framework, scope, directory, yes = false, help } = parseFlags(words, OPTIONS);
  if (help) return 'help';
  const given = {
    ...(provider !== undefined && { provider: requireName('--provider', provider, SERVER_NAMES) }),
    ...(framework !== undefined && { framework: requireName('--framework', framework, FRAMEWORK_NAMES) }),
    ...(typescript && { isTypeScript: true }),
    ...(commonjs && { isCommonJs: true }),
    ...(scope !== undefined && { scope: requireScopeToken(scope) }),
    ...(directory !== undefined && { directory: requireFolder(directory) }),
  };
  requireScopeOf(given);
  return { given, yes };
}

/** @throws UsageError if a scope was chosen, but responses of the provider contain no `scope`: the route would reject every request */
export function requireScopeOf({ provider, scope }: Partial<Choices>): void {
  if (provider === undefined || !scope || serverOf(provider).hasScope) return;
  throw new UsageError(`Leave --scope out, because responses of ${serverOf(provider).label} have no scope`);
}

/**
 * Returns the text.
 *
 * @throws UsageError unless the text is empty or is exactly one scope
 */
export function requireScopeToken(scope: string): string {
  if (scope === '' || SCOPE_TOKEN.test(scope)) return scope;
  throw new UsageError('--scope is one scope, without spaces, quotation marks and backslashes');
}

function requireFolder(directory: string): string {
  if (directory === '') throw new UsageError('--directory is empty; write a folder, or leave it out');
  return directory;
}
