import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment } from '../../lib/cli/environment.js';

const folder = mkdtempSync(join(tmpdir(), 'environment-'));
const file = join(folder, '.env');

afterAll(() => rmSync(folder, { recursive: true }));

describe('environment', () => {
  it('returns the variables of the file and of the process, and the process wins', () => {
    writeFileSync(file, "CLIENT_SECRET='from the file'\nORY_KEY=from-the-file # a remark\n");
    expect(environment(file, { CLIENT_SECRET: 'own' })).toEqual({ CLIENT_SECRET: 'own', ORY_KEY: 'from-the-file' });
  });

  it('returns only the variables of the process when there is no file', () => {
    expect(environment(join(folder, 'nowhere'), { A: 'b' })).toEqual({ A: 'b' });
  });

  it('does not change the variables of the process', () => {
    writeFileSync(file, 'A=c\n');
    const variables = {};
    environment(file, variables);
    expect(variables).toEqual({});
  });
});
