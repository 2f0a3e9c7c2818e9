import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT } from '../support/child.js';
import { createEndpoint } from '../support/endpoint.js';

const V1 = '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
const V2 = '@modelcontextprotocol/express';

/** Prints the status that the SDK's middleware sends for an inactive token, and whether importing the entry loaded the SDK. */
const program = (endpoint: string) => `
  const before = Object.keys(require.cache ?? {}).filter((path) => path.includes('@modelcontextprotocol')).length;
  const authenticate = tokenIntrospection({
    endpoint: '${endpoint}', clientAuth: noClientAuth(), audience: 'https://mcp.example.com', cache: false,
    resourceMetadata: 'https://mcp.example.com/metadata',
  });
  const res = {
    set() {},
    status(status) { console.log(before, status); return res; },
    json() {},
  };
  const run = (requireBearerAuth) => requireBearerAuth({ verifier: mcpTokenVerifier(authenticate) })(
    { headers: { authorization: 'Bearer abc' } }, res, () => console.log('next'),
  );
`;

const WAYS = {
  import: (name: string, endpoint: string) => [
    '--input-type=module',
    `import { createRequire } from 'node:module';
    import { noClientAuth, tokenIntrospection } from 'express-token-introspection';
    import { mcpTokenVerifier } from 'express-token-introspection/mcp';
    const require = createRequire('${ROOT}/');
    ${program(endpoint)}
    const { requireBearerAuth } = await import('${name}');
    await run(requireBearerAuth);
    await authenticate.close();`,
  ],
  require: (name: string, endpoint: string) => [
    '--input-type=commonjs',
    `const { noClientAuth, tokenIntrospection } = require('express-token-introspection');
    const { mcpTokenVerifier } = require('express-token-introspection/mcp');
    ${program(endpoint)}
    const { requireBearerAuth } = require('${name}');
    run(requireBearerAuth).then(() => authenticate.close());`,
  ],
};

describe.each([
  ['version 1', V1],
  ['version 2', V2],
])("the SDK's middleware of %s", (_version, name) => {
  it.each(['import', 'require'] as const)(
    'loaded by %s, answers 401 to a token that the verifier of the built package rejects',
    async (way) => {
      const endpoint = await createEndpoint({ active: false });
      const args = WAYS[way](name, endpoint.url);
      const env = { ...process.env, NODE_OPTIONS: '' };
      const { stdout } = await promisify(execFile)(process.execPath, [args[0] as string, '-e', args[1] as string], {
        cwd: ROOT,
        env,
      });
      expect(stdout).toBe('0 401\n');
    },
    30_000,
  );
});
