// Builds the website to .ci/site/dist, with the API reference. `--serve` also serves it.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { installedTool, runTool } from '../tools/tool.mjs';
import { writeLlmsFiles } from './llms.mjs';

const here = import.meta.dirname;

try {
  runTool('typedoc', ['--options', join(here, 'typedoc.config.mjs'), '--logLevel', 'Warn'], here);
  writeLlmsFiles();
  runTool('vitepress', ['build', here], here);
  console.log('The website is in .ci/site/dist. `npm run docs:serve` shows it.');
  if (process.argv.includes('--serve'))
    execFileSync(installedTool('vitepress', here), ['preview', here], { stdio: 'inherit' });
} catch ({ message }) {
  console.error(message);
  process.exit(1);
}
