import express from 'express';
import { byPathSegment } from '../../lib/selectors/index.js';
import { requestOf } from '../support/selections.js';
import { serve } from '../support/serve.js';

const first = byPathSegment({ acme: 'acme', beta: 'beta', 'm%C3%BCnchen': 'munich' });
const second = byPathSegment({ acme: 'acme' }, { index: 1 });

describe('byPathSegment', () => {
  it.each([
    ['/acme', 'acme'],
    ['/acme/', 'acme'],
    ['/acme/reports', 'acme'],
    ['/acme?tenant=beta', 'acme'],
    ['/acme#beta', 'acme'],
    ['/beta/acme', 'beta'],
    ['/m%C3%BCnchen/x', 'munich'],
    ['http://host.example/acme/x', 'acme'],
    ['/acme//x', 'acme'],
    ['/acme/x?to=/../beta', 'acme'],
  ])('for the path %p selects %p', (url, name) => {
    expect(first(requestOf(url), 'token')).toBe(name);
  });

  it.each([
    '',
    '/',
    '*',
    'acme',
    '//acme/x',
    '/Acme/x',
    '/acm%65/x',
    '/acme%2Fx',
    '/acme;v=1/x',
    '/x/acme',
    '/acme/../beta',
    '/acme/..',
    '/./acme',
    '/acme/%2e%2E/beta',
    '/acme/.%2e/beta',
    '/acme\\..\\beta',
    '\\acme',
    '?acme',
    '/__proto__/x',
    '/constructor',
    '/m%c3%bcnchen',
    'http://acme',
    'http:/acme/x',
    'ftp://host/acme',
    '/%',
  ])('for the path %p selects none', (url) => {
    expect(first(requestOf(url), 'token')).toBeUndefined();
  });

  it('counts segments from 0', () => {
    expect(second(requestOf('/tenants/acme/x'), 'token')).toBe('acme');
    expect(second(requestOf('/tenants'), 'token')).toBeUndefined();
    expect(second(requestOf('//acme'), 'token')).toBeUndefined();
    expect(second(requestOf('/acme/x'), 'token')).toBeUndefined();
  });

  it('reads the whole path below a mount point', async () => {
    const app = express();
    app.use('/tenants', (req, res) => void res.send(`${req.url} ${second(req, 'token')}`));
    const { url } = await serve(app);
    expect(await (await fetch(`${url}/tenants/acme/x`)).text()).toBe('/acme/x acme');
  });

  it.each([
    {},
    null,
    { '': 'a' },
    { 'a/b': 'a' },
    { '/a': 'a' },
    { '..': 'a' },
    { 'a b': 'a' },
    { 'a?': 'a' },
    { a: 1 },
  ])('throws for the list %j', (names) => {
    expect(() => byPathSegment(names as never)).toThrow(TypeError);
  });

  it('throws for an unknown option, instead of using the first segment', () => {
    expect(() => byPathSegment({ acme: 'acme' }, { segment: 1 } as never)).toThrow(
      'Option "segment" is not known here; write index',
    );
  });

  it.each([-1, 0.5, Number.NaN, '0', null])('throws for the index %p', (index) => {
    expect(() => byPathSegment({ acme: 'acme' }, { index: index as never })).toThrow('Option "index" is ');
  });
});
