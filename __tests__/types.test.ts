import { spawnSync } from 'node:child_process';
import { ROOT } from './support/child.js';

const compile = (project: string) => {
  const { stdout, status } = spawnSync('npx', ['--no-install', 'tsc', '-p', project], { cwd: ROOT, encoding: 'utf8' });
  return [stdout, status];
};

describe('the types', () => {
  it('accept valid code and reject invalid code', () => {
    expect(compile('__tests__/types')).toEqual(['', 0]);
  }, 60_000);

  it.each(['mcp-sdk-1', 'mcp-sdk-2', 'jwt-bearer'])(
    'compile without skipLibCheck in a project beside %s, which declares req.auth',
    (project) => {
      expect(compile(`__tests__/types/beside/${project}`)).toEqual(['', 0]);
    },
    60_000,
  );
});
