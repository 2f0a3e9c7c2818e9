import { request as httpRequest } from 'node:http';
import express, { type Request } from 'express';
import { byHost } from '../../lib/selectors/index.js';
import { requestOf } from '../support/selections.js';
import { exchange, serve } from '../support/serve.js';

const select = byHost({ 'acme.example.com': 'acme', 'Beta.example.com': 'beta', '127.0.0.1': 'v4', '[::1]': 'v6' });
const ofHost = (host: string | undefined) => select(requestOf('/', { host }), 'token');

describe('byHost', () => {
  it.each([
    ['acme.example.com', 'acme'],
    ['ACME.Example.COM', 'acme'],
    ['acme.example.com:8443', 'acme'],
    ['acme.example.com:', 'acme'],
    ['acme.example.com.', 'acme'],
    ['ACME.example.com.:8443', 'acme'],
    ['beta.example.com', 'beta'],
    ['127.0.0.1:3000', 'v4'],
    ['[::1]:3000', 'v6'],
    ['[::1]', 'v6'],
  ])('for the host %p selects %p', (host, name) => {
    expect(ofHost(host)).toBe(name);
  });

  it.each([
    undefined,
    '',
    'example.com',
    'acme.example.com..',
    '.',
    '[::1].',
    'x.acme.example.com',
    'acme.example.com.evil.example',
    'acme.example.com:x',
    'acme.example.com:80:80',
    'acme.example.com,beta.example.com',
    'acme.example.com beta.example.com',
    ' acme.example.com',
    'user@acme.example.com',
    'acme.example.com/',
    'acme.example.com#',
    'acme%2eexample.com',
    '\u212Aacme.example.com',
    '::1',
    '__proto__',
    'constructor',
  ])('for the host %p selects none', (host) => {
    expect(ofHost(host)).toBeUndefined();
  });

  it('ignores X-Forwarded-Host and Forwarded', () => {
    const headers = {
      host: 'beta.example.com',
      'x-forwarded-host': 'acme.example.com',
      forwarded: 'host=acme.example.com',
    };
    expect(select(requestOf('/', headers), 'token')).toBe('beta');
  });

  it('reads the host of an absolute request target, when Host agrees (RFC 9112 section 3.2.2)', () => {
    const selectFor = (url: string, host: string) => select(requestOf(url, { host }), 'token');
    expect(selectFor('http://acme.example.com/x', 'acme.example.com:80')).toBe('acme');
    expect(selectFor('HTTPS://ACME.example.com', 'acme.example.com')).toBe('acme');
    expect(selectFor('http://acme.example.com/x', 'beta.example.com')).toBeUndefined();
    expect(selectFor('http://acme.example.com@beta.example.com/', 'acme.example.com')).toBeUndefined();
    expect(selectFor('http:///x', 'acme.example.com')).toBeUndefined();
    expect(selectFor('/http://beta.example.com/', 'acme.example.com')).toBe('acme');
    const mounted = requestOf('/x', { host: 'beta.example.com' }, { originalUrl: 'http://acme.example.com/x' });
    expect(select(mounted, 'token')).toBeUndefined();
  });

  it('reads :authority of HTTP/2, when Host agrees or is absent', () => {
    expect(select(requestOf('/', { ':authority': 'acme.example.com' }), 'token')).toBe('acme');
    const both = { ':authority': 'acme.example.com', host: 'beta.example.com' };
    expect(select(requestOf('/', both), 'token')).toBeUndefined();
  });

  it('works with requests that Node parses, and selects none when Host is repeated', async () => {
    const listener = (req: object, res: { end(text: string): void }) => res.end(String(select(req as never, 'token')));
    const { port } = await serve(listener as never);
    const answerTo = (host: string) =>
      new Promise((resolve) => {
        httpRequest({ port, host: '127.0.0.1', headers: { host } }, (res) =>
          res.on('data', (text) => resolve(String(text))),
        ).end();
      });
    expect(await answerTo('Acme.example.com:99')).toBe('acme');
    expect(await answerTo('other.example.com')).toBe('undefined');
    const choosing = byHost({ 'api.test': 'acme' });
    const listenerOf = (req: object, res: { end(text: string): void }) =>
      res.end(String(choosing(req as never, 'token')));
    const hosts = async (...lines: string[]) =>
      (await exchange(listenerOf as never, ['GET / HTTP/1.1', ...lines])).body;
    expect(await hosts()).toMatch(/acme/);
    expect(await hosts('hOST: api.test')).toMatch(/undefined/);
  });

  it('reads the host from the option host, such as req.hostname of Express', async () => {
    const behind = byHost({ 'acme.example.com': 'acme' }, { host: (req: Request) => req.hostname });
    const app = express().set('trust proxy', 'loopback');
    app.use((req, res) => void res.send(String(behind(req, 'token'))));
    const { url } = await serve(app);
    const ask = async (host: string) => (await fetch(url, { headers: { 'x-forwarded-host': host } })).text();
    expect([await ask('acme.example.com:8443'), await ask('beta.example.com')]).toEqual(['acme', 'undefined']);
    for (const host of [undefined, null, 5, {}, Promise.resolve('acme.example.com')]) {
      expect(
        byHost({ 'acme.example.com': 'acme' }, { host: () => host as never })(requestOf('/'), 'token'),
      ).toBeUndefined();
    }
  });

  it.each([
    {},
    null,
    undefined,
    [],
    'acme.example.com',
    { 'acme.example.com:80': 'acme' },
    { '[::1]:80': 'acme' },
    { 'https://acme.example.com': 'acme' },
    { '*.example.com': 'acme' },
    { '': 'acme' },
    { 'a.example': 'acme', 'A.example': 'beta' },
    { 'a.example': 'acme', 'a.example.': 'beta' },
    { 'a.example': '' },
    { 'a.example': 5 },
  ])('throws for the list %j', (names) => {
    expect(() => byHost(names as never)).toThrow(TypeError);
  });

  it.each([{ hosts: () => 'a.example' }, { trustProxy: true }])('throws for the unknown option %p', (options) => {
    expect(() => byHost({ 'a.example': 'acme' }, options as never)).toThrow(
      /^Option "(hosts" is not known here; did you mean "host"\?|trustProxy" is not known here; write host)$/,
    );
  });

  it('throws for an option host that is not a function', () => {
    expect(() => byHost({ 'a.example': 'acme' }, { host: 'a.example' as never })).toThrow('Option "host" is a string');
  });
});
