import { spawnSync } from 'node:child_process';
import { ROOT } from './support/child.js';

describe('the types', () => {
  it('let users write what they may, and report what they may not', () => {
    const { stdout, status } = spawnSync('npx', ['--no-install', 'tsc', '-p', '__tests__/types'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect([stdout, status]).toEqual(['', 0]);
  }, 60_000);
});
