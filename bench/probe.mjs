/**
 * node bench/probe.mjs
 *
 * Runs `express-token-introspection probe` against the apps of the comparison, and writes what it finds to results/probe.json and
 * docs/comparison.md. Run `npm run build` first.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(`${folder}node_modules/@fastify/jwt`))
  throw new Error('Run npm ci in bench first, or node bench/comparison.mjs, which does it');

const { startAuthorizationServer } = await import('./comparison/authorization-server.mjs');
const { PEERS, REQUIRED_SCOPE, startPeer } = await import('./comparison/peers.mjs');

const MAX_SHOWN = 8;

const command = `${folder}../dist/cli/main.js`;
const results = [];
for (const peer of PEERS) results.push(await probe(peer));

writeFileSync(`${folder}results/probe.json`, `${JSON.stringify(results, null, 2)}\n`);
const page = new URL('../docs/comparison.md', import.meta.url);
const list = results.map(line).join('\n');
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(/^- \*\*this library\*\*: .*(?:\n- .*)*/m, () => list),
);
console.log(list);

function line({ name, ok, skipped, differs }) {
  const shown = differs.slice(0, MAX_SHOWN).map((id) => `\`${id}\``);
  const more = differs.length > MAX_SHOWN ? `, and ${differs.length - MAX_SHOWN} more` : '';
  const found = differs.length === 0 ? 'none differs' : `${differs.length} differ: ${shown.join(', ')}${more}`;
  return `- **${name}**: ${ok} ok, ${skipped} skipped, ${found}`;
}

/** The outcomes of all cases for one package, on a route that requires a scope if the package has a guard for it. */
async function probe(peer) {
  const server = await startAuthorizationServer();
  const app = await startPeer(peer, server);
  const scopes = [REQUIRED_SCOPE, ...(app.hasScopeGuard ? ['other'] : [])];
  const tokens = await Promise.all(scopes.map((scope) => server.issue({ scope })));
  const url = `http://127.0.0.1:${app.port}${app.hasScopeGuard ? '/scope' : '/'}`;
  const { cases } = JSON.parse(await run(url, tokens.join('\n')));
  await app.close();
  await server.close();
  const count = (outcome) => cases.filter((report) => report.outcome === outcome).length;
  const differs = cases.filter(({ outcome }) => outcome === 'differs').map(({ id }) => id);
  return { name: peer.name, ok: count('ok'), skipped: count('skipped'), differs };
}

/** Standard output of the command, which exits with 1 if it finds something. */
function run(url, stdin) {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [command, 'probe', url, '--token-stdin', '--json'], (error, stdout) =>
      error === null || error.code === 1 ? resolve(stdout) : reject(error),
    );
    child.stdin.end(stdin);
  });
}
