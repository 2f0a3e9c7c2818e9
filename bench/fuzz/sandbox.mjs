// Runs code that can neither reach the network nor write files outside of one folder.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { resolve, sep } from 'node:path';
import timers from 'node:timers/promises';

const MODULE = /\.(?:[cm]?js|json)$/;

/**
 * Runs `work` in `folder`. Connections are refused at once. Files outside of the folder do not exist, except modules, which Node may load.
 *
 * @returns the result of `work`, and the paths outside of the folder that it tried to write
 */
export async function inSandbox(folder, work) {
  const refused = [];
  const isInside = (path) => `${resolve(folder, String(path))}${sep}`.startsWith(`${folder}${sep}`);
  const replacements = [
    [
      fs,
      'readFileSync',
      (original) =>
        (path, ...others) =>
          isInside(path) || MODULE.test(path) ? original(path, ...others) : fail('ENOENT'),
    ],
    ...['writeFileSync', 'mkdirSync'].map((name) => [
      fs,
      name,
      (original) =>
        (path, ...others) => {
          if (isInside(path)) return original(path, ...others);
          refused.push(resolve(folder, String(path)));
          return fail('EACCES');
        },
    ]),
    // The random pause between two tries of a request.
    [timers, 'setTimeout', () => async () => {}],
    [Socket.prototype, 'connect', () => refuseConnection],
  ];
  const originals = replacements.map(([object, name]) => object[name]);
  const before = process.cwd();
  process.chdir(folder);
  for (const [object, name, replace] of replacements) object[name] = replace(object[name]);
  syncBuiltinESMExports();
  try {
    return { result: await work(), refused };
  } finally {
    replacements.forEach(([object, name], index) => {
      object[name] = originals[index];
    });
    syncBuiltinESMExports();
    process.chdir(before);
  }
}

function refuseConnection() {
  process.nextTick(() => this.destroy(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })));
  return this;
}

function fail(code) {
  throw Object.assign(new Error(code), { code });
}
