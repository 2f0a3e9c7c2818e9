import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '..');

describe('installing', () => {
  it.each(['.', '.ci/tools', '.ci/site', 'bench', 'bench/fuzz', 'bench/mutation'])(
    'prints no warning in %s',
    (folder) => {
      const { status, stdout, stderr } = spawnSync(
        'npm',
        ['ci', '--dry-run', '--include=dev', '--no-audit', '--no-fund'],
        {
          cwd: join(root, folder),
          encoding: 'utf8',
        },
      );
      expect(status).toBe(0);
      expect(stdout).toMatch(/^(added|changed|removed|up to date)/m);
      expect(stderr).toBe('');
    },
  );
});
