import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** The installed packages that the library uses, so that hand-written targets run with the same versions. */
const require = createRequire(new URL('../package.json', import.meta.url));

export const express = require('express');
export const { LRUCache } = require('lru-cache');
export const { Pool } = require('undici');
export const Fastify = require('fastify');
export const redis = require('redis');
export const library = require('./dist/index.js');

/** An entry of the library besides the first, such as `redis`. */
export const entry = (name) => require(`./dist/${name}/index.js`);

/** Loads jose, which is an ES module. */
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
