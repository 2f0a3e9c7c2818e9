import { inspect } from 'node:util';
import request from 'supertest';
import { tokenIntrospection } from '../../lib/index.js';
import { parseOptions } from '../../lib/options/parse.js';
import { createApp } from '../support/api.js';
import { errorOf, HUSH, normalize, REQUIRED, settingsOf } from '../support/option-cases.js';

describe('the options object', () => {
  it.each([
    ['missing', undefined],
    ['null', null],
    ['a string that cannot be used', HUSH],
    ['7', 7],
    ['a function that cannot be used', () => {}],
    ['a list', [REQUIRED]],
    ['an object that cannot be used', new Map(Object.entries(REQUIRED))],
  ])('is rejected when it is %s', (description, options) => {
    expect(errorOf(options)).toBe(`Option "options" is ${description}; write a plain object`);
  });

  it('may have no prototype', () => {
    const options = Object.assign(Object.create(null), REQUIRED);
    expect(parseOptions(options).timeoutMs).toBe(3000);
  });

  it('is not changed, and later changes to it have no effect', () => {
    const options = {
      ...REQUIRED,
      endpoint: new URL('https://as.example.com/introspect'),
      audience: ['a'],
      scopes: ['read'],
      parameters: { a: '1' },
      headers: { 'X-A': '1' },
      cache: { ttlSeconds: 10 },
      normalizeResponse: { statuses: [404], normalize },
    };
    const before = inspect(options, { depth: 5 });
    const settings = parseOptions(options);
    expect(inspect(options, { depth: 5 })).toBe(before);
    for (const part of [
      options,
      options.audience,
      options.scopes,
      options.parameters,
      options.headers,
      options.cache,
    ]) {
      expect(Object.isFrozen(part)).toBe(false);
    }
    options.endpoint.hostname = 'evil.example.com';
    options.audience.push('b');
    options.scopes.pop();
    options.parameters.a = '2';
    options.headers['X-A'] = '2';
    options.cache.ttlSeconds = 20;
    options.normalizeResponse.statuses.push(500);
    expect(settings).toMatchObject({
      location: { endpoint: new URL('https://as.example.com/introspect') },
      parameters: { a: '1' },
      headers: { 'x-a': '1' },
      cache: { ttlMs: 10_000 },
      normalizer: { statuses: new Set([200, 404]) },
      policy: { audience: ['a'], scopes: ['read'] },
    });
  });

  it('may be frozen', () => {
    expect(parseOptions(Object.freeze({ ...REQUIRED, scopes: Object.freeze(['read']) })).policy.scopes).toEqual([
      'read',
    ]);
  });

  it('is read once: the checked values are the values in use', () => {
    let reads = 0;
    const options = Object.defineProperty({ ...REQUIRED }, 'realm', {
      enumerable: true,
      get: () => (reads++ === 0 ? 'api' : 'evil"\r\nX-Evil: 1'),
    });
    expect(parseOptions(options).policy.realm).toBe('api');
    expect(reads).toBe(1);
  });

  it('is parsed to frozen settings', () => {
    const settings = settingsOf({ scopes: ['read'], audience: ['a'], parameters: { a: '1' }, headers: { a: '1' } });
    const { policy, parameters, headers, cache } = settings;
    for (const part of [settings, policy, policy.scopes, policy.audience, parameters, headers, cache]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });
});

describe('tokenIntrospection, mounted without being called', () => {
  it('causes a 500 for each request, with an error that says what to write', async () => {
    const app = createApp(tokenIntrospection as never);
    await request(app.app).get('/').expect(500);
    expect(app.errors).toEqual([
      new TypeError('tokenIntrospection was mounted without being called; write app.use(tokenIntrospection({ … }))'),
    ]);
    expect(app.reached()).toBe(0);
  });
});
