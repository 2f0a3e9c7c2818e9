/**
 * node bench/comparison.mjs
 *
 * Sends the same requests to apps with this library and with others, over HTTP, and writes their responses to results/comparison.json
 * and docs/comparison.md. Takes a little over a minute, because a revoked token is sent again after every cached response has expired.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(`${folder}node_modules/keycloak-connect`))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });

const { startAuthorizationServer } = await import('./comparison/authorization-server.mjs');
const { PEERS, startPeer } = await import('./comparison/peers.mjs');
const { CASES } = await import('./comparison/cases.mjs');
const { versionOf } = await import('./packages.mjs');

const columns = await Promise.all(
  PEERS.map(async (peer) => {
    const server = await startAuthorizationServer();
    const app = await startPeer(peer, server);
    const answers = {};
    for (const { title, run } of CASES) {
      server.reset();
      answers[title] = await run({ server, app, peer });
    }
    await app.close();
    await server.close();
    return { name: peer.name, packages: peer.packages.map((name) => `${name} ${versionOf(name)}`), answers };
  }),
);

const rows = CASES.map(({ title }) => [title, ...columns.map(({ answers }) => answers[title])]);
const line = (cells) => `| ${cells.join(' | ')} |`;
const table = [
  line(['', ...columns.map(({ name }) => name)]),
  line(['---', ...columns.map(() => '---')]),
  ...rows.map(line),
].join('\n');
writeFileSync(`${folder}results/comparison.json`, `${JSON.stringify({ columns }, null, 2)}\n`);
const page = new URL('../docs/comparison.md', import.meta.url);
const versions = [...new Set(columns.flatMap(({ packages }) => packages))].join(', ');
writeFileSync(
  page,
  readFileSync(page, 'utf8')
    .replace(/^\| {1,2}\|.*(?:\n\|.*)*/m, () => table)
    .replace(/^Versions: .*$/m, () => `Versions: ${versions}.`),
);
console.log(table);
