import { printable } from '../../diagnostics/printable.js';
import { ENDPOINT, ISSUER } from '../servers.js';
import type { Choices } from './choices.js';
import { ENV_EXAMPLE, PORT, scriptName, sourceName, TSCONFIG } from './project.js';
import type { Written } from './write-files.js';

const LIBRARY = 'express-token-introspection';

/** Returns a text for the user. It says which files were written, and what to do next. */
export function nextSteps(choices: Choices, { names, kept, hasManifest }: Written): string {
  const { provider, isTypeScript, directory } = choices;
  const needsOwnConfiguration = kept.includes(TSCONFIG);
  const steps = [
    ...(directory === '.'
      ? []
      : [`cd ${/^[\w./-]+$/.test(directory) ? directory : printable(JSON.stringify(directory))}`]),
    ...(hasManifest ? [] : ['npm init -y']),
    ...installs(choices),
    `Copy ${ENV_EXAMPLE} to .env, and fill it in. Never commit .env.`,
    `npx ${LIBRARY} check${isVariable(provider) ? '' : ` --provider ${provider}`}`,
    ...(isTypeScript && !needsOwnConfiguration ? ['npx tsc'] : []),
    ...(needsOwnConfiguration
      ? [
          `Compile ${sourceName(choices)} with your ${TSCONFIG}, which was kept, and run the result with node --env-file=.env`,
        ]
      : [`node --env-file=.env ${scriptName(choices)}`]),
    `curl -i http://127.0.0.1:${PORT}/api/reports`,
    `curl -i -H "Authorization: Bearer THE_TOKEN" http://127.0.0.1:${PORT}/api/reports`,
  ];
  return `Written: ${names.join(', ')}

Next steps
${steps.map((step, index) => `${String(index + 1).padStart(3)}. ${step}`).join('\n')}

The first curl gets 401, because there is no token. With a token for this API you get 200.
If a token is rejected, set the variable NODE_DEBUG=express-token-introspection: the app then prints why.
About your authorization server: node_modules/${LIBRARY}/docs/providers.md`;
}

function installs({ framework, isTypeScript }: Choices): string[] {
  const major = framework === 'express4' ? '@4' : '@5';
  const express = framework === 'node' ? [] : [`express${major}`];
  const types = framework === 'node' ? [] : [`@types/express${major}`];
  return [
    `npm install ${[...express, LIBRARY].join(' ')}`,
    ...(isTypeScript ? [`npm install --save-dev ${['typescript', '@types/node', ...types].join(' ')}`] : []),
  ];
}

/** Whether `check` finds the server in an environment variable, so that the command needs no `--provider`. */
function isVariable(provider: string): boolean {
  return provider === ENDPOINT || provider === ISSUER;
}
