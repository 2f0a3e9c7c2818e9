// Packs the package and uses it as its users would: ES modules, CommonJS, CommonJS Jest without flags, TypeScript,
// Express 4 and 5, with and without OpenTelemetry.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Besides the Node that runs this; they come as npm packages. */
const NODE_VERSIONS = ['22', '24'];
const MAX_UNPACKED_BYTES = 600_000;
const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const directory = mkdtempSync(join(tmpdir(), 'consumer-'));

const run = (command, args, cwd = directory) => {
  const env = { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'test', CLIENT_SECRET: 'secret' };
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
};
const write = (name, content) => writeFileSync(join(directory, name), content);
const step = (title, check) => {
  check();
  console.log(`ok  ${title}`);
};
const assert = (condition, message) => {
  if (!condition) throw new Error(message);
};

try {
  const [pack] = JSON.parse(
    run('npm', ['pack', '--json', '--pack-destination', directory], root).replace(/^[^[]*/, ''),
  );

  step('it holds the build, the licence, the changelog and the README, and nothing else', () => {
    const strangers = pack.files.filter(
      ({ path }) => !/^(dist\/.+\.(js|d\.ts)|package\.json|LICENSE|CHANGELOG\.md|README\.md)$/.test(path),
    );
    assert(strangers.length === 0, `unexpected files: ${strangers.map(({ path }) => path)}`);
    for (const file of [
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'dist/index.js',
      'dist/express.js',
      'dist/providers/index.d.ts',
      'dist/redis.js',
      'dist/selectors/index.js',
      'dist/store-tests/index.js',
      'dist/opentelemetry/index.js',
      'dist/opentelemetry/index.d.ts',
      'dist/metadata/index.js',
      'dist/metadata/index.d.ts',
      'dist/mcp/index.js',
      'dist/mcp/index.d.ts',
      'dist/websocket/index.js',
    ]) {
      assert(
        pack.files.some(({ path }) => path === file),
        `${file} is missing`,
      );
    }
    assert(pack.unpackedSize < MAX_UNPACKED_BYTES, `it unpacks to ${pack.unpackedSize} bytes`);
  });

  step('publint finds nothing', () => run(join(root, 'node_modules/.bin/publint'), ['run', root, '--strict']));

  write('package.json', JSON.stringify({ name: 'consumer', private: true }));
  const own = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const pinned = (name) => `${name}@${own[`node_modules/${name}`].version}`;
  run('npm', [
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
    `./${pack.filename}`,
    pinned('express'),
    `express4@npm:express@${own['node_modules/express4'].version}`,
    ...NODE_VERSIONS.map((major) => `node${major}@npm:node@${major}`),
    ...[
      'jest',
      'redis',
      'typescript',
      '@types/express',
      '@types/node',
      '@types/jest',
      'cookie-parser',
      '@types/cookie-parser',
      '@opentelemetry/api',
      'ws',
      '@types/ws',
    ].map(pinned),
  ]);

  step('its command runs', () => {
    const command = join(directory, 'node_modules/.bin/express-token-introspection');
    assert(run(command, ['--version']).trim() === version, 'the command tells another version');
    assert(run(command, ['--help']).includes('check [options]'), 'the command gives no help');
  });

  const server = (express) => `
    const app = ${express}();
    app.use(tokenIntrospection({ endpoint: 'http://127.0.0.1:1/introspect', clientAuth: clientSecretBasic('api', 'secret'), audience: false }));
    const server = app.listen(0, '127.0.0.1', async () => {
      const url = 'http://127.0.0.1:' + server.address().port;
      const bare = await fetch(url);
      const down = await fetch(url, { headers: { authorization: 'Bearer token' } });
      console.log(bare.status, bare.headers.get('www-authenticate'), down.status, down.headers.get('retry-after'));
      server.close();
    });`;
  const expected = '401 Bearer realm="api" 503 1\n';

  step('import with named exports works, on Express 5', () => {
    write(
      'app.mjs',
      `import express from 'express';
      import 'express-token-introspection/express';
      import { clientSecretBasic, tokenIntrospection } from 'express-token-introspection';
      import { notion } from 'express-token-introspection/providers';
      if (notion({ clientId: 'a', clientSecret: 'b' }).audience !== false) throw new Error('preset');
      ${server('express')}`,
    );
    assert(run(process.execPath, ['app.mjs']) === expected, 'the app did not answer as it should');
  });

  step('require works, on Express 4', () => {
    write(
      'app.cjs',
      `const express = require('express4');
      const { clientSecretBasic, tokenIntrospection } = require('express-token-introspection');
      ${server('express')}`,
    );
    assert(run(process.execPath, ['app.cjs']) === expected, 'the app did not answer as it should');
  });

  for (const major of NODE_VERSIONS) {
    step(`both work on Node ${major}`, () => {
      const node = join(directory, `node_modules/node${major}/bin/node`);
      assert(run(node, ['--version']).startsWith(`v${major}.`), 'that is another Node');
      for (const app of ['app.mjs', 'app.cjs'])
        assert(run(node, [app]) === expected, `${app} did not answer as it should`);
    });
  }

  step('import and require give the same classes', () => {
    write(
      'same.mjs',
      `import { createRequire } from 'node:module';
      import { AuthError } from 'express-token-introspection';
      console.log(AuthError === createRequire(import.meta.url)('express-token-introspection').AuthError);`,
    );
    assert(run(process.execPath, ['same.mjs']) === 'true\n', 'there are two instances');
  });

  step('OpenTelemetry is loaded by its own entry alone', () => {
    write(
      'telemetry.cjs',
      `const isLoaded = () => Object.keys(require.cache).some((path) => path.includes('@opentelemetry'));
      require('express-token-introspection');
      require('express-token-introspection/express');
      require('express-token-introspection/providers');
      const before = isLoaded();
      const stop = require('express-token-introspection/opentelemetry').instrument();
      stop();
      console.log(before, isLoaded());`,
    );
    assert(run(process.execPath, ['telemetry.cjs']) === 'false true\n', 'it is loaded by another');
    write(
      'telemetry.mjs',
      `import { instrument } from 'express-token-introspection/opentelemetry';
      instrument()();
      console.log(typeof instrument);`,
    );
    assert(run(process.execPath, ['telemetry.mjs']) === 'function\n', 'it cannot be imported');
  });

  step('the entry for MCP servers works without an MCP SDK', () => {
    write(
      'mcp.mjs',
      `import { clientSecretBasic, tokenIntrospection } from 'express-token-introspection';
      import { mcpAuthentication, mcpTokenVerifier } from 'express-token-introspection/mcp';
      const authenticate = tokenIntrospection({ endpoint: 'https://as.test', clientAuth: clientSecretBasic('a', 'b'), audience: 'https://mcp.test', resourceMetadata: 'https://mcp.test/metadata' });
      const error = await mcpTokenVerifier(authenticate).verifyAccessToken('a,b').catch((thrown) => thrown);
      console.log(typeof mcpAuthentication(authenticate), error.name, error.status);`,
    );
    assert(run(process.execPath, ['mcp.mjs']) === 'function AuthError 400\n', 'it does not');
  });

  step('a plain CommonJS Jest test runs without flags', () => {
    write(
      'app.test.js',
      `const { clientSecretBasic, tokenIntrospection } = require('express-token-introspection');
      test('creates a middleware', () => {
        const options = { endpoint: 'https://as.example.com', clientAuth: clientSecretBasic('a', 'b'), audience: 'c' };
        expect(tokenIntrospection(options)).toBeInstanceOf(Function);
      });`,
    );
    run('npx', ['jest', '--silent']);
  });

  for (const type of ['module', 'commonjs']) {
    step(`the README's examples compile in a strict TypeScript project of type ${type}, skipLibCheck off`, () => {
      const examples = join(directory, type);
      mkdirSync(examples);
      const blocks = readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```(?:js|ts)\n([\s\S]*?)^```$/gm);
      for (const [index, [, code]] of [...blocks].entries()) writeFileSync(join(examples, `example-${index}.ts`), code);
      writeFileSync(
        join(examples, 'typed.ts'),
        `import 'express-token-introspection/express';
        import express from 'express';
        express().get('/', (req, res) => { const scope: string | undefined = req.auth?.scope; res.json({ scope }); });`,
      );
      writeFileSync(
        join(examples, 'telemetry.ts'),
        `import { clientSecretBasic, tokenIntrospection } from 'express-token-introspection';
        import { type InstrumentOptions, instrument } from 'express-token-introspection/opentelemetry';
        import { metrics, trace } from '@opentelemetry/api';
        const api = tokenIntrospection({ endpoint: 'https://as.test', clientAuth: clientSecretBasic('a', 'b'), audience: 'c' });
        const options: InstrumentOptions = { meterProvider: metrics.getMeterProvider(), middlewares: { api } };
        const stop: () => void = instrument({ ...options, tracerProvider: trace.getTracerProvider() });
        stop();`,
      );
      writeFileSync(
        join(examples, 'metadata.ts'),
        `import { noClientAuth, tokenIntrospection } from 'express-token-introspection';
        import { protectedResourceMetadata } from 'express-token-introspection/metadata';
        const api = tokenIntrospection({ authorizationServer: 'https://as.test', clientAuth: noClientAuth(), audience: 'https://a.test' });
        export const url: string = protectedResourceMetadata(api, { 'resource_name#de': 'Berichte' }).url;`,
      );
      writeFileSync(join(examples, 'package.json'), JSON.stringify({ type }));
      const compilerOptions = {
        target: 'es2022',
        module: 'nodenext',
        strict: true,
        skipLibCheck: false,
        outDir: 'out',
        types: ['node'],
      };
      writeFileSync(join(examples, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
      run('npx', ['tsc', '-p', type]);
      assert(readdirSync(join(examples, 'out')).length > 5, 'nothing was compiled');
    });
  }

  console.log(
    `${pack.name}@${version}: ${pack.files.length} files, ${pack.size} bytes packed, ${pack.unpackedSize} unpacked`,
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
