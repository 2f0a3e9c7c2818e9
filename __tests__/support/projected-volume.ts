import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFolder } from './command.js';

/** A volume as the kubelet projects a token into a pod. */
export interface ProjectedVolume {
  /** Path of the token, which is a symbolic link. */
  readonly path: string;
  /** Replaces the token as the kubelet does: it swaps a symbolic link to a folder, and removes the old folder. */
  write(token: string): void;
}

export function createProjectedVolume(): ProjectedVolume {
  const folder = createFolder();
  const path = join(folder, 'token');
  symlinkSync(join('..data', 'token'), path);
  let generation = 0;
  return {
    path,
    write(token) {
      const name = `..version_${generation}`;
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'token'), token);
      symlinkSync(name, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
      rmSync(join(folder, `..version_${generation - 1}`), { recursive: true, force: true });
      generation++;
    },
  };
}
