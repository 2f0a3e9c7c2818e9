// Makes the README's relative links and images absolute while the package is packed, because a registry's page shows only the README.
// `node .ci/links.mjs` rewrites README.md, and `node .ci/links.mjs --restore` brings the original back. Without `repository` in
// package.json, links stay relative.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { absoluteLinks } from './links/absolute-links.mjs';

const root = join(import.meta.dirname, '..');
const readme = join(root, 'README.md');

/** Not published, because npm publishes every file that begins with README. */
const folder = join(root, 'node_modules/.cache/express-token-introspection');
const original = join(folder, 'README.md');

function restore() {
  if (!existsSync(original)) return;
  copyFileSync(original, readme);
  rmSync(original);
}

function rewrite() {
  // If packing was interrupted before, README.md has absolute links still.
  restore();
  const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const text = readFileSync(readme, 'utf8');
  const rewritten = absoluteLinks(text, repository);
  if (rewritten === text) return;
  mkdirSync(folder, { recursive: true });
  copyFileSync(readme, original);
  writeFileSync(readme, rewritten);
}

if (!process.argv.includes('--restore')) rewrite();
// npm publish reads the README again after postpack, so there it is restored by postpublish.
else if (!(process.env.npm_lifecycle_event === 'postpack' && process.env.npm_command === 'publish')) restore();
