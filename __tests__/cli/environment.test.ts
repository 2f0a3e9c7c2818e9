import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeEnvironment, readEnvironment } from '../../lib/cli/environment.js';
import { createFolder } from '../support/command.js';

const NAMES = ['CLIENT_SECRET', 'AUDIENCE'];

function folderWith(text: string, name = '.env'): string {
  const folder = createFolder();
  writeFileSync(join(folder, name), text);
  return folder;
}

describe('readEnvironment', () => {
  it('returns the variables of the file and of the process, and the process wins', () => {
    const folder = folderWith("CLIENT_SECRET='from the file'\nAUDIENCE=from-the-file # a remark\n");
    const { variables, fromFile, overridden } = readEnvironment(
      { env: { CLIENT_SECRET: 'own' }, folder },
      undefined,
      NAMES,
    );
    expect(variables).toEqual({ CLIENT_SECRET: 'own', AUDIENCE: 'from-the-file' });
    expect([fromFile, overridden]).toEqual([['AUDIENCE'], ['CLIENT_SECRET']]);
  });

  it('ignores other variables of the file, and empty ones', () => {
    const folder = folderWith('NODE_OPTIONS=--inspect\nAUDIENCE=\n');
    const { variables, fromFile } = readEnvironment({ env: { A: 'b' }, folder }, undefined, NAMES);
    expect([variables, fromFile]).toEqual([{ A: 'b' }, []]);
  });

  it('returns only the variables of the process when there is no .env, or a folder of this name', () => {
    const folder = createFolder();
    expect(readEnvironment({ env: { A: 'b' }, folder }, undefined, NAMES).variables).toEqual({ A: 'b' });
    mkdirSync(join(folder, '.env'));
    expect(readEnvironment({ env: { A: 'b' }, folder }, undefined, NAMES).variables).toEqual({ A: 'b' });
  });

  it('reads another file, and reports one that cannot be read', () => {
    const folder = folderWith('AUDIENCE=a', 'prod.env');
    expect(readEnvironment({ env: {}, folder }, 'prod.env', NAMES).variables).toEqual({ AUDIENCE: 'a' });
    const read = () => readEnvironment({ env: {}, folder }, 'nowhere.env', NAMES);
    expect(read).toThrow('--env-file nowhere.env cannot be read (ENOENT)');
  });

  it('does not change the variables of the process', () => {
    const env = {};
    readEnvironment({ env, folder: folderWith('AUDIENCE=a') }, undefined, NAMES);
    expect(env).toEqual({});
  });
});

describe('describeEnvironment', () => {
  const describeFile = (env: Record<string, string>, text: string, file?: string) => {
    const folder = folderWith(text, file);
    return describeEnvironment(readEnvironment({ env, folder }, file, NAMES), file);
  };

  it('names the file and its variables, without their values', () => {
    expect(describeFile({}, 'CLIENT_SECRET=hush\nAUDIENCE=a\nOTHER=x')).toEqual([
      'Read from .env: CLIENT_SECRET, AUDIENCE',
    ]);
    expect(describeFile({ AUDIENCE: 'b' }, 'CLIENT_SECRET=hush\nAUDIENCE=a', 'prod.env')).toEqual([
      'Read from prod.env: CLIENT_SECRET',
      'Set in the environment, so not read from prod.env: AUDIENCE',
    ]);
  });

  it('says nothing of a .env that is not used, unless it was asked for', () => {
    expect(describeFile({}, 'OTHER=x')).toEqual([]);
    expect(describeFile({}, 'OTHER=x', 'prod.env')).toEqual(['Read from prod.env: nothing that this command uses']);
  });
});
