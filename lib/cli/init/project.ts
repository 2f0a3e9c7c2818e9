import { serverOf, type Variable, variablesOf } from '../servers.js';
import { appCode } from './app.js';
import type { Choices } from './choices.js';
import type { ProjectFile } from './write-files.js';

export const ENV_EXAMPLE = '.env.example';
export const TSCONFIG = 'tsconfig.json';

/** Default port of the app, in its code and in `.env.example`. */
export const PORT = 3001;

/** Returns all files that `init` writes. */
export function projectFiles(choices: Choices): ProjectFile[] {
  return [
    { name: sourceName(choices), text: appCode(choices, PORT) },
    { name: ENV_EXAMPLE, text: envExample(choices.provider) },
    ...(choices.isTypeScript ? [{ name: TSCONFIG, text: tsconfig(choices), isOptional: true }] : []),
  ];
}

/** Returns the name of the file with the code of the app, such as `app.mts`. */
export function sourceName({ isTypeScript, isCommonJs }: Choices): string {
  return `app.${isCommonJs ? 'c' : 'm'}${isTypeScript ? 'ts' : 'js'}`;
}

/** Returns the path of the file that Node runs, such as `dist/app.mjs`. For TypeScript, it is the compiled file. */
export function scriptName({ isTypeScript, isCommonJs }: Choices): string {
  return `${isTypeScript ? 'dist/' : ''}app.${isCommonJs ? 'c' : 'm'}js`;
}

function envExample(provider: string): string {
  const lines = variablesOf(provider).map((variable) => `# ${describe(variable)}\n${variable.name}=\n`);
  return `# Settings for ${serverOf(provider).label}. Copy this file to .env, and fill it in. Never commit .env.

${lines.join('\n')}
# Port of this app
PORT=${PORT}
`;
}

function describe({ description, example }: Variable): string {
  return example === undefined ? description : `${description}, such as ${example}`;
}

function tsconfig(choices: Choices): string {
  const compilerOptions = { target: 'es2022', module: 'nodenext', strict: true, types: ['node'], outDir: 'dist' };
  return `${JSON.stringify({ compilerOptions, include: [sourceName(choices)] }, undefined, 2)}\n`;
}
