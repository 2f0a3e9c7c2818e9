/**
 * node bench/comparison.mjs
 *
 * Asks this library and its peers the same questions, over real HTTP, with the same tokens and the same authorization server, and
 * writes what each answered to results/comparison.json and docs/comparison.md. Takes a good minute: a revoked token is tried again
 * when every cache is over.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(`${here}node_modules/keycloak-connect`))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' });

const { startAuthorizationServer } = await import('./comparison/authorization-server.mjs');
const { PEERS, startPeer } = await import('./comparison/peers.mjs');
const { QUESTIONS } = await import('./comparison/questions.mjs');
const { versionOf } = await import('./packages.mjs');

const columns = await Promise.all(
  PEERS.map(async (peer) => {
    const server = await startAuthorizationServer();
    const app = await startPeer(peer, server);
    const answers = {};
    for (const { title, ask } of QUESTIONS) {
      server.reset();
      answers[title] = await ask({ server, app, peer });
    }
    await app.close();
    await server.close();
    return { name: peer.name, packages: peer.packages.map((name) => `${name} ${versionOf(name)}`), answers };
  }),
);

const rows = QUESTIONS.map(({ title }) => [title, ...columns.map(({ answers }) => answers[title])]);
const line = (cells) => `| ${cells.join(' | ')} |`;
const table = [
  line(['', ...columns.map(({ name }) => name)]),
  line(['---', ...columns.map(() => '---')]),
  ...rows.map(line),
].join('\n');
writeFileSync(`${here}results/comparison.json`, `${JSON.stringify({ columns }, null, 2)}\n`);
const page = new URL('../docs/comparison.md', import.meta.url);
const versions = [...new Set(columns.flatMap(({ packages }) => packages))].join(', ');
writeFileSync(
  page,
  readFileSync(page, 'utf8')
    .replace(/^\| {1,2}\|.*(?:\n\|.*)*/m, () => table)
    .replace(/^Versions: .*$/m, () => `Versions: ${versions}.`),
);
console.log(table);
