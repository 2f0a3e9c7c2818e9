import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** The very copies the library runs on, so that hand-written targets and the library stand on the same ground. */
const require = createRequire(new URL('../package.json', import.meta.url));

export const express = require('express');
export const { LRUCache } = require('lru-cache');
export const { Pool } = require('undici');
export const library = require('./dist/index.js');

/** An ES module, so a function that loads it. */
export const jose = () => import(pathToFileURL(require.resolve('jose')));

export function versionOf(name) {
  for (const from of ['..', '.']) {
    try {
      return createRequire(new URL(`${from}/package.json`, import.meta.url))(`./node_modules/${name}/package.json`)
        .version;
    } catch {}
  }
  return undefined;
}
