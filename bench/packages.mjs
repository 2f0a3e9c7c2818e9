import { createRequire } from 'node:module';

/** The very copies the library runs on, so that hand-written targets and the library stand on the same ground. */
const require = createRequire(new URL('../package.json', import.meta.url));

export const express = require('express');
export const { LRUCache } = require('lru-cache');
export const { Pool } = require('undici');
export const library = require('./dist/index.js');

export function versionOf(name) {
  for (const from of ['..', '.']) {
    try {
      return createRequire(new URL(`${from}/package.json`, import.meta.url))(`./node_modules/${name}/package.json`)
        .version;
    } catch {}
  }
  return undefined;
}
