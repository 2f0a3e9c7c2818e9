// Runs the packed library on every supported Node version, in each framework, by import and by require, and in Jest.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, manifest, step } from './project.mjs';

/** Node versions, installed as npm packages. The first is the lowest supported version. */
export const NODE_VERSIONS = [`${/\d+\.\d+/.exec(manifest.engines.node)[0]}.0`, '20', '22', '24', '26'];

const APPS = {
  'Express 5': ['express', 'express()'],
  'Express 4': ['express4', 'express()'],
  Connect: ['connect', 'express()'],
};

const app = (create) => `
  const app = ${create};
  const authenticate = tokenIntrospection({ endpoint: endpoint.url, clientAuth: clientSecretBasic('api', 'secret'), audience: false });
  app.use(authenticate);
  app.use('/reports', requireScope('reports:read'));
  app.use((req, res) => res.end(getAuth(req).sub));
  endpoint.walk(app).then(() => authenticate.close());`;

const names = 'clientSecretBasic, getAuth, requireScope, tokenIntrospection';

const MODULE_KINDS = {
  import: [
    'mjs',
    (module, create) => `
      import express from '${module}';
      import { ${names} } from '${manifest.name}';
      import { notion } from '${manifest.name}/providers';
      import '${manifest.name}/express';
      import { createEndpoint } from './endpoint.mjs';
      if (notion({ clientId: 'a', clientSecret: 'b' }).audience !== false) throw new Error('preset');
      const endpoint = await createEndpoint();
      ${app(create)}`,
  ],
  require: [
    'cjs',
    (module, create) => `
      const express = require('${module}');
      const { ${names} } = require('${manifest.name}');
      import('./endpoint.mjs').then(({ createEndpoint }) => createEndpoint()).then((endpoint) => { ${app(create)} });`,
  ],
};

const EXPECTED = readFileSync(join(import.meta.dirname, 'projects/expected.txt'), 'utf8');

export function writeApps(project) {
  const copy = (name) => project.write(name, readFileSync(join(import.meta.dirname, 'projects', name), 'utf8'));
  for (const name of ['endpoint.mjs', 'app.test.js', 'instances.mjs', 'telemetry.mjs']) copy(name);
  for (const [module, create] of Object.values(APPS)) {
    for (const [extension, write] of Object.values(MODULE_KINDS))
      project.write(`${module}.${extension}`, write(module, create));
  }
}

/** @param versions Node versions, in addition to the one that runs this script */
export async function checkRuntimes(project, versions) {
  const { directory, run } = project;
  for (const version of [undefined, ...versions]) {
    const node = version === undefined ? process.execPath : join(directory, `node_modules/node${version}/bin/node`);
    const running = run(node, '--version').trim();
    assert(
      version === undefined || running.startsWith(`v${version}.`) || running === `v${version}`,
      `node${version} is ${running}`,
    );
    await step(`Node ${running}: ${Object.keys(APPS).join(', ')} by import and require, Jest, the command`, () => {
      for (const [module] of Object.values(APPS)) {
        for (const [extension] of Object.values(MODULE_KINDS)) {
          const output = run(node, `${module}.${extension}`);
          assert(output === EXPECTED, `${module}.${extension} printed on Node ${running}:\n${output}`);
        }
      }
      assert(run(node, 'instances.mjs') === 'true\n', 'import and require load two instances');
      assert(run(node, 'telemetry.mjs') === 'function\n', 'OpenTelemetry cannot be instrumented');
      run(node, 'node_modules/jest/bin/jest.js', '--silent', '--reporters=github-actions');
      const command = join(directory, 'node_modules', manifest.name, manifest.bin[manifest.name]);
      assert(run(node, command, '--version').trim() === manifest.version, 'the command prints another version');
      assert(run(node, command, '--help').includes('check [options]'), 'the command prints no help');
      const words = ['--provider', 'keycloak', '--directory', `init-${running}`];
      assert(run(node, command, 'init', ...words).includes('Written: app.mjs'), 'init writes no app');
    });
  }
}
