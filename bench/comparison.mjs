/**
 * node bench/comparison.mjs
 *
 * Sends the same requests to apps with this library and with others, over HTTP, and writes their responses to results/comparison.json
 * and docs/comparison.md. Takes a little over two minutes, because revoked tokens are tried again after every cached response has expired.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(`${folder}node_modules/@fastify/jwt`))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });

const { startAuthorizationServer } = await import('./comparison/authorization-server.mjs');
const { PEERS, startPeer } = await import('./comparison/peers.mjs');
const { CASES } = await import('./comparison/cases.mjs');
const { versionOf } = await import('./packages.mjs');
const { startRedis } = await import('./fleet/redis-server.mjs');

const redis = await startRedis();

const columns = await Promise.all(PEERS.map(measure)).finally(redis.stop);

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

/** The responses of one package to all cases. */
async function measure(peer) {
  const server = await startAuthorizationServer();
  const app = await startPeer(peer, server);
  const start = ({ isFleet = false } = {}) =>
    startPeer(peer, server, isFleet ? `redis://127.0.0.1:${redis.port}` : undefined);
  const answers = {};
  for (const { title, run } of CASES) {
    server.reset();
    answers[title] = await run({ server, app, start });
  }
  await app.close();
  await server.close();
  return { name: peer.name, packages: peer.packages.map((name) => `${name} ${versionOf(name)}`), answers };
}
