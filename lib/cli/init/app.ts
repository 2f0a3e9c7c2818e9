import { ENDPOINT, ISSUER, serverOf, type Variable } from '../servers.js';
import type { Choices } from './choices.js';
import { importLines, importsOf } from './imports.js';
import { quoted } from './quoted.js';
import { expressServer, nodeServer } from './server-code.js';

/** Returns the code of the app that `init` writes. It is the first example of the README, adapted to the choices of the user. */
export function appCode(choices: Choices, port: number): string {
  const { provider, framework, scope } = choices;
  const preset = isPreset(provider) ? provider : undefined;
  const isNode = framework === 'node';
  const names = [
    ...(preset === undefined ? ['clientSecretBasic'] : []),
    ...['getAuth', 'IntrospectionError', 'tokenIntrospection'],
    ...(scope !== '' && !isNode ? ['requireScope'] : []),
  ];
  return [
    importLines(importsOf(framework, names, preset), choices),
    middleware(choices),
    isNode ? nodeServer(port) : expressServer(choices, port),
  ].join('\n\n');
}

function middleware(choices: Choices): string {
  const { provider, framework, scope } = choices;
  const options = [
    ...serverOptions(provider),
    ...audienceOption(choices),
    ...(scope !== '' && framework === 'node' ? [`scopes: [${quoted(scope)}],`] : []),
  ];
  return `const authenticate = tokenIntrospection({
${options.map((line) => `  ${line}`).join('\n')}
});
authenticate.verifyConfiguration().then(({ ok, problem }) => {
  console.log(ok ? 'token introspection works' : \`token introspection fails (\${problem?.code}): \${problem?.remedy}\`);
});`;
}

function serverOptions(provider: string): string[] {
  const { variables, note } = serverOf(provider);
  if (isPreset(provider)) {
    const lines = variables.map((variable) => `  ${variable.option}: ${readVariable(variable)},`);
    return [...(note === undefined ? [] : [`// ${note}`]), `...${provider}({`, ...lines, '}),'];
  }
  const [location] = variables as [Variable];
  return [
    `${location.option}: ${readVariable(location)},`,
    'clientAuth: clientSecretBasic(process.env.CLIENT_ID, process.env.CLIENT_SECRET),',
  ];
}

function audienceOption({ provider, isTypeScript }: Choices): string[] {
  const { audience } = serverOf(provider);
  if (audience === 'preset') return [];
  if (audience === 'uncertain') return ['audience: false, // if responses have an aud, write its value here'];
  // The type of `audience` excludes `undefined`, so TypeScript gets `''` for a missing variable. Both values throw when the app starts.
  return [`audience: process.env.AUDIENCE${isTypeScript ? " ?? ''" : ''},`];
}

function readVariable({ name }: Variable): string {
  return `process.env.${name}`;
}

function isPreset(provider: string): boolean {
  return provider !== ENDPOINT && provider !== ISSUER;
}
