import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment } from '../../lib/cli/environment.js';

const folder = mkdtempSync(join(tmpdir(), 'environment-'));
const file = join(folder, '.env');

afterAll(() => rmSync(folder, { recursive: true }));

describe('the environment of the command', () => {
  it('has the variables of a file, and those of the process before them', () => {
    writeFileSync(file, "CLIENT_SECRET='from the file'\nORY_KEY=from-the-file # a remark\n");
    expect(environment(file, { CLIENT_SECRET: 'own' })).toEqual({ CLIENT_SECRET: 'own', ORY_KEY: 'from-the-file' });
  });

  it('is that of the process where there is no such file', () => {
    expect(environment(join(folder, 'nowhere'), { A: 'b' })).toEqual({ A: 'b' });
  });

  it('is left as it is', () => {
    writeFileSync(file, 'A=c\n');
    const own = {};
    environment(file, own);
    expect(own).toEqual({});
  });
});
