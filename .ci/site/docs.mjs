// Builds the website to .ci/site/dist, with the API reference. `--serve` shows it instead, and reloads pages that change.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { installedTool, runTool } from '../tools/tool.mjs';
import { writeLlmsFiles } from './llms.mjs';

const here = import.meta.dirname;

try {
  runTool('typedoc', ['--options', join(here, 'typedoc.config.mjs'), '--logLevel', 'Warn'], here);
  writeLlmsFiles();
  if (process.argv.includes('--serve')) {
    execFileSync(installedTool('vitepress', here), ['dev', here], { stdio: 'inherit' });
  } else {
    runTool('vitepress', ['build', here], here);
    console.log('The website is in .ci/site/dist. `npm run docs:serve` shows it.');
  }
} catch ({ message }) {
  console.error(message);
  process.exit(1);
}
