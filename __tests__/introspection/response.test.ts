import { IntrospectionError } from '../../lib/core/errors.js';
import type { EndpointResponse } from '../../lib/introspection/http.js';
import {
  type EndpointReply,
  isBodyNeeded,
  parseResponse,
  type ResponseNormalizer,
} from '../../lib/introspection/response.js';
import { Thenable } from '../support/thenable.js';

const ASKED = { at: 1_800_000_000_000, monotonic: 1000 };
const DATES = { askedAt: 1_800_000_000_000, askedMonotonic: 1000 };

function reply(given: Partial<EndpointResponse> = {}): EndpointResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"active":true}', ...given };
}

function says(body: unknown, given: Partial<EndpointResponse> = {}) {
  return parseResponse(reply({ body: JSON.stringify(body), ...given }), ASKED, undefined);
}

function outage(code: string, detail: string, retryAfterSeconds = 1) {
  return expect.objectContaining({
    name: 'IntrospectionError',
    status: 503,
    code,
    retryAfterSeconds,
    headers: { 'Retry-After': String(retryAfterSeconds), 'Cache-Control': 'no-store' },
    message: expect.stringMatching(new RegExp(`\\(${code}, ${detail}\\)$`)),
  });
}

/** The error may name an invalid member of the RFC, because these names are not secret. */
const BAD_SHAPE = outage(
  'bad_response',
  '(?:shape|member (?:active|scope|client_id|username|token_type|exp|iat|nbf|sub|aud|iss|jti))',
);
const NORMALIZER_FAILED = outage('bad_response', 'normalizeResponse failed');

describe('a response about an active token', () => {
  it('becomes a record of its claims, names unchanged, and of the time of its request', () => {
    const body = {
      active: true,
      scope: 'read write dolphin',
      client_id: 'l238j323ds-23ij4',
      username: 'jdoe',
      token_type: 'Bearer',
      exp: 1419356238,
      iat: 1419350238,
      nbf: 1419350238.5,
      sub: 'Z5O3upPC88QrAjx00dis',
      aud: ['https://protected.example.net/resource'],
      iss: 'https://server.example.com/',
      jti: 'a1',
      extension_field: { twenty: 'seven' },
    };
    expect(says(body)).toEqual({
      active: true,
      isPlain: true,
      stale: false,
      claims: body,
      scopes: ['read', 'write', 'dolphin'],
      ...DATES,
    });
  });

  it('loses members that are null', () => {
    const nothing = { scope: null, exp: null, aud: null, sub: null, cnf: null, tenant: null };
    expect(says({ active: true, ...nothing })).toEqual({
      active: true,
      isPlain: true,
      stale: false,
      claims: { active: true, scope: '' },
      scopes: [],
      ...DATES,
    });
  });

  it('cannot change Object.prototype', () => {
    const body = '{"active":true,"__proto__":{"admin":true},"constructor":"x","toString":"y"}';
    const record = parseResponse(reply({ body }), ASKED, undefined);
    expect(record).toMatchObject({ claims: { active: true, constructor: 'x', toString: 'y' } });
    expect(Object.keys(record.active ? record.claims : {}).sort()).toEqual([
      'active',
      'constructor',
      'scope',
      'toString',
    ]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    ' application/json ',
  ])('may have the media type %p', (type) => {
    expect(says({ active: true }, { headers: { 'content-type': type } })).toMatchObject({ active: true });
  });

  it('may have its media type in a list', () => {
    expect(says({ active: true }, { headers: { 'content-type': ['application/json'] } }).active).toBe(true);
  });
});

describe('a response about an inactive token', () => {
  it.each([
    [{ active: false }],
    [{ active: false, sub: 'leak', exp: 1 }],
    [{ active: false, exp: 'malformed', scope: 7, aud: {} }],
  ])('becomes a record without claims: %j', (body) => {
    expect(says(body)).toEqual({ active: false, ...DATES });
  });

  it('may be a 400 unsupported_token_type, which any client can cause', () => {
    const record = says({ error: 'unsupported_token_type' }, { status: 400 });
    expect(record).toEqual({ active: false, unsupported: true, ...DATES });
  });
});

describe('a response that is not an introspection response', () => {
  it.each([
    ['exp', { active: true, exp: '1419356238' }],
    ['active', { active: 'true' }],
    ['active', { error: 'invalid_client' }],
    ['aud', { active: true, aud: ['api', 1] }],
  ])('causes an error that names the invalid member: %s', (member, body) => {
    expect(() => says(body)).toThrow(outage('bad_response', `member ${member}`));
  });

  it.each([
    ['an empty object', {}],
    ['null', null],
    ['a list', [{ active: true }]],
    ['a string', 'active'],
    ['true', true],
    ['active as a string', { active: 'true' }],
    ['active as a number', { active: 1 }],
    ['active null', { active: null }],
    ['active in a list', { active: [true] }],
    ['Active in capitals', { Active: true }],
    ['an OAuth error', { error: 'invalid_client' }],
    ['exp as a string', { active: true, exp: '1419356238' }],
    ['exp as a list', { active: true, exp: [1] }],
    ['iat as a date', { active: true, iat: '2026-01-01T00:00:00Z' }],
    ['nbf as a boolean', { active: true, nbf: true }],
    ['aud as a number', { active: true, aud: 1 }],
    ['aud as an object', { active: true, aud: {} }],
    ['aud with a number', { active: true, aud: ['a', 1] }],
    ['aud with null', { active: true, aud: [null] }],
    ['scope as a number', { active: true, scope: 1 }],
    ['scope as an object', { active: true, scope: { read: true } }],
    ['a scope with a space', { active: true, scope: ['read write'] }],
    ['an empty scope', { active: true, scope: [''] }],
    ['a list of scopes with a number', { active: true, scope: ['read', 1] }],
    ['iss as a list', { active: true, iss: ['https://as.example.com'] }],
    ['sub as a number', { active: true, sub: 7 }],
    ['client_id as a number', { active: true, client_id: 7 }],
    ['username as an object', { active: true, username: {} }],
    ['token_type as a list', { active: true, token_type: ['Bearer'] }],
    ['jti as a number', { active: true, jti: 7 }],
  ])('is an outage when it is %s', (_, body) => {
    expect(() => says(body)).toThrow(BAD_SHAPE);
  });

  // A module creates its schema once. So each case gets a module of its own, as if its response were the first.
  it.each([
    [['read', 'write'], 'read write'],
    [['read', ' write'], undefined],
    [['read', 'write '], undefined],
    [['read', ' '], undefined],
  ])('accepts the first list of scopes only if no scope has a space: %j', (scope, joined) => {
    jest.isolateModules(() => {
      const { parseResponse: parse } = jest.requireActual('../../lib/introspection/response.js');
      const first = () => parse(reply({ body: JSON.stringify({ active: true, scope }) }), ASKED, undefined);
      if (joined === undefined) expect(first).toThrow(BAD_SHAPE);
      else expect(first()).toMatchObject({ claims: { scope: joined } });
    });
  });

  it.each(['1e999', '-1e999'])('is an outage when exp is %s, which is not a finite number', (exp) => {
    expect(() => parseResponse(reply({ body: `{"active":true,"exp":${exp}}` }), ASKED, undefined)).toThrow(BAD_SHAPE);
  });

  it.each([
    ['empty', ''],
    ['cut short', '{"active":true'],
    ['two objects', '{"active":true}{"active":true}'],
    ['a page', '<html>active: true</html>'],
    ['NaN', '{"active":true,"exp":NaN}'],
    ['a form', 'active=true'],
  ])('is an outage when it is %s', (_, body) => {
    expect(() => parseResponse(reply({ body }), ASKED, undefined)).toThrow(outage('bad_response', 'not JSON'));
  });

  it.each([
    [undefined],
    [''],
    ['text/html'],
    ['text/json'],
    ['application/jsonp'],
    ['application/json+x'],
    ['application/token-introspection+jwt'],
    ['text/plain; x=application/json'],
    [['text/html', 'application/json']],
    [[]],
  ])('is an outage when its media type is %j', (type) => {
    expect(() => says({ active: true }, { headers: { 'content-type': type } })).toThrow(
      outage('bad_response', 'media type'),
    );
  });

  it('is an outage when it is nested too deeply', () => {
    const body = `{"active":true,"ext":${'['.repeat(33)}${']'.repeat(33)}}`;
    expect(() => parseResponse(reply({ body }), ASKED, undefined)).toThrow(outage('bad_response', 'nesting'));
  });

  it('is an outage when it has more than 10,000 scopes', () => {
    expect(says({ active: true, scope: 'a '.repeat(10_000) })).toMatchObject({ active: true });
    expect(() => says({ active: true, scope: 'a '.repeat(10_001) })).toThrow(outage('bad_response', 'too many scopes'));
  });
});

describe('a response with another status than 200', () => {
  it.each([
    [201, 'bad_response'],
    [204, 'bad_response'],
    [206, 'bad_response'],
    [301, 'bad_response'],
    [302, 'bad_response'],
    [307, 'bad_response'],
    [400, 'client_rejected'],
    [401, 'client_rejected'],
    [403, 'client_rejected'],
    [404, 'bad_response'],
    [405, 'bad_response'],
    [429, 'rate_limited'],
    [500, 'server_error'],
    [502, 'server_error'],
    [503, 'server_error'],
    [599, 'server_error'],
  ])('is an outage at %i with any body: %s', (status, code) => {
    expect(() => says({ active: true }, { status })).toThrow(outage(code, `HTTP ${status}`));
    expect(() => says({ active: false }, { status })).toThrow(outage(code, `HTTP ${status}`));
  });

  it.each([
    ['401', { error: 'unsupported_token_type' }, { status: 401 }],
    ['another error', { error: 'invalid_request' }, { status: 400 }],
    ['another type', { error: 'unsupported_token_type' }, { status: 400, headers: { 'content-type': 'text/plain' } }],
    ['a list', [{ error: 'unsupported_token_type' }], { status: 400 }],
    ['null', null, { status: 400 }],
    ['a string', 'unsupported_token_type', { status: 400 }],
  ])('is client_rejected, and says nothing about the token, with %s', (_, body, given) => {
    expect(() => says(body, given)).toThrow(outage('client_rejected', `HTTP ${given.status}`));
  });

  it.each(['', '<html>', '{"error":'])('is client_rejected at 400 when its JSON is %p', (body) => {
    expect(() => parseResponse(reply({ status: 400, body }), ASKED, undefined)).toThrow(
      outage('client_rejected', 'HTTP 400'),
    );
  });

  const refusal = (
    status: number,
    type: string | undefined,
    body: EndpointResponse['body'],
    more: EndpointResponse['headers'] = {},
  ) => {
    const headers = { ...(type !== undefined && { 'content-type': type }), ...more };
    return () => parseResponse({ status, headers, body }, ASKED, undefined);
  };
  const unreadable = new IntrospectionError('bad_response', 'content coding');
  const challenge = { 'www-authenticate': 'Basic realm="as"' };

  it.each<[string, () => unknown, number]>([
    ['a page', refusal(403, 'text/html', '<h1>Request blocked</h1>'), 403],
    ['a text', refusal(403, 'text/plain', 'Unknown ALPN Protocol'), 403],
    ['a page at 400', refusal(400, 'text/html', '<center>The plain HTTP request was sent to HTTPS port'), 400],
    ['a page at 401', refusal(401, 'text/html; charset=utf-8', '<h1>Log in</h1>'), 401],
    ['a text without a type', refusal(403, undefined, 'Forbidden'), 403],
    ['a page that is compressed', refusal(403, 'text/html', unreadable), 403],
    ['a number', refusal(403, 'text/plain', '42'), 403],
    ['a null', refusal(403, 'text/plain', 'null'), 403],
    ['a page at 403 with a challenge', refusal(403, 'text/html', '<h1>Forbidden</h1>', challenge), 403],
  ])('is unreachable, because something before the endpoint sent it, with %s', (_, attempt, status) => {
    expect(attempt).toThrow(outage('unreachable', `HTTP ${status}, not from the endpoint`));
  });

  it.each<[string, () => unknown, number]>([
    ['an OAuth error', refusal(401, 'application/json', '{"error":"invalid_client"}'), 401],
    ['an OAuth error of another type', refusal(401, 'text/plain', '{"error":"invalid_client"}'), 401],
    ['JSON without an error', refusal(403, 'application/json', '{"message":"Forbidden"}'), 403],
    ['a problem document', refusal(403, 'application/problem+json', '{"title":"Forbidden"}'), 403],
    ['JSON that is compressed', refusal(403, 'application/json', unreadable), 403],
    ['no body', refusal(403, undefined, ''), 403],
    ['an empty page', refusal(403, 'text/html; charset=utf-8', ''), 403],
    ['a line end alone', refusal(400, 'text/plain', '\r\n'), 400],
    ['a challenge and no body', refusal(401, undefined, '', challenge), 401],
    ['a challenge and a page', refusal(401, 'text/html', '<h1>Unauthorized</h1>', challenge), 401],
  ])('is client_rejected, because the endpoint sent it, with %s', (_, attempt, status) => {
    expect(attempt).toThrow(outage('client_rejected', `HTTP ${status}`));
  });

  const inSeconds = (seconds: number) => new Date(ASKED.at + seconds * 1000).toUTCString();

  it.each([
    ['absent', undefined, 1],
    ['seconds', '30', 30],
    ['zero', '0', 1],
    ['more than two minutes', '3600', 120],
    ['more than can be counted', '9'.repeat(400), 120],
    ['a date', inSeconds(30), 30],
    ['a date far ahead', inSeconds(3600), 120],
    ['a date just passed', inSeconds(-1), 1],
    ['a date long past', 'Fri, 31 Dec 1999 23:59:59 GMT', 1],
    ['no time at all', 'soon', 1],
    ['a fraction', '90.5', 1],
    ['negative', '-90', 1],
    ['a word that holds a year', 'maybe 2090', 1],
    ['a date in another form', new Date(ASKED.at + 60_000).toISOString(), 1],
    ['two values in one', '60, 90', 1],
    ['empty', '', 1],
    ['repeated', ['7', '9'], 7],
  ])('sets retryAfterSeconds from a Retry-After that is %s', (_, value, seconds) => {
    const given = (status: number) => ({ status, headers: { 'retry-after': value } });
    expect(() => says({}, given(429))).toThrow(outage('rate_limited', 'HTTP 429', seconds));
    expect(() => says({}, given(503))).toThrow(outage('server_error', 'HTTP 503', seconds));
  });

  it('shows no text of the endpoint', () => {
    expect.assertions(2);
    try {
      says({ error: 'invalid_client', error_description: 'unknown client hush' }, { status: 401 });
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain('hush');
      expect((error as Error).message).toBe(
        "Token introspection failed: the endpoint rejected this API's own request; check the client authentication (client_rejected, HTTP 401)",
      );
    }
  });
});

describe('a normalizer', () => {
  function normalized(
    normalize: ResponseNormalizer['normalize'],
    given: Partial<EndpointResponse> = {},
    statuses = [200],
  ) {
    return parseResponse(reply(given), ASKED, { statuses: new Set(statuses), normalize, identity: undefined });
  }

  it('gets status, headers and text, and its result is checked', () => {
    const normalize = jest.fn<unknown, [EndpointReply]>(() => ({ active: true, scope: ['a', 'b'], exp: null }));
    const headers = { 'content-type': 'text/plain', 'x-a': '1' };
    expect(normalized(normalize, { headers, body: 'ok' })).toEqual({
      active: true,
      isPlain: true,
      stale: false,
      claims: { active: true, scope: 'a b' },
      scopes: ['a', 'b'],
      ...DATES,
    });
    expect(normalize.mock.calls).toEqual([[{ status: 200, headers, text: 'ok' }]]);
  });

  it('cannot put mutable values into claims, not even with a loop to the top', () => {
    const loop: Record<string, unknown> = { active: true, list: [] };
    loop.self = loop;
    (loop.list as unknown[]).push(loop);
    let record: ReturnType<typeof normalized>;
    try {
      record = normalized(() => loop);
    } catch (error) {
      expect(error).toEqual(outage('bad_response', '.*'));
      return;
    }
    const { self, list = [] } = record.active ? record.claims : ({} as Record<string, unknown>);
    for (const part of [self, list, ...(list as unknown[])]) expect(Object.isFrozen(part)).toBe(true);
  });

  it('may keep the object that it returned, which stays unchanged', () => {
    const kept = { active: true, scope: ['a', 'b'], ext: { list: [1] }, gone: null };
    expect(normalized(() => kept)).toMatchObject({ claims: { active: true, scope: 'a b', ext: { list: [1] } } });
    expect(kept).toEqual({ active: true, scope: ['a', 'b'], ext: { list: [1] }, gone: null });
    expect([kept, kept.scope, kept.ext, kept.ext.list].some((part) => Object.isFrozen(part))).toBe(false);
  });

  it('may return inactive for one of its statuses', () => {
    expect(normalized(() => ({ active: false }), { status: 404 }, [200, 404])).toEqual({ active: false, ...DATES });
    expect(normalized(() => ({ active: false }), { status: 401 }, [200, 401])).toEqual({ active: false, ...DATES });
  });

  it('is not called for other statuses', () => {
    const normalize = jest.fn<unknown, [EndpointReply]>(() => ({ active: true }));
    expect(() => normalized(normalize, { status: 500 }, [200, 404])).toThrow(outage('server_error', 'HTTP 500'));
    expect(normalize).not.toHaveBeenCalled();
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['a string', '{"active":true}'],
    ['an object without active', { sub: 'alice' }],
    ['active as a string', { active: 'true' }],
    ['exp as a string', { active: true, exp: '1' }],
    ['exp as NaN', { active: true, exp: Number.NaN }],
    ['exp as Infinity', { active: true, exp: Number.POSITIVE_INFINITY }],
  ])('is an outage when it returns %s', (_, value) => {
    expect(() => normalized(() => value)).toThrow(BAD_SHAPE);
  });

  it('is an outage when it throws, and its error is not shown', () => {
    expect(() =>
      normalized(() => {
        throw new Error('secret-token');
      }),
    ).toThrow(NORMALIZER_FAILED);
  });

  it.each([
    ['a promise', () => Promise.resolve({ active: true })],
    ['a promise that fails', () => Promise.reject(new Error('late'))],
    ['a promise of another library', () => new Thenable({ active: true })],
    ['a function among the claims', () => ({ active: true, get: () => 'admin' })],
  ])('is an outage when it returns %s', (_, normalize) => {
    expect(() => normalized(normalize)).toThrow(NORMALIZER_FAILED);
  });

  it('does not get its result frozen, because the claims are a copy', () => {
    const shared = { tags: ['a'] };
    const record = normalized(() => ({ active: true, shared }));
    expect(record).toMatchObject({ claims: { shared: { tags: ['a'] } } });
    expect(Object.isFrozen(shared)).toBe(false);
  });
});

describe('a body that could not be read', () => {
  const TOO_LARGE = new IntrospectionError('bad_response', 'too large');

  it.each([
    ['causes the outage at 200', 200, undefined, 'bad_response, too large'],
    ['stays client_rejected at 400', 400, undefined, 'client_rejected, HTTP 400'],
    [
      'is the outage at a status a normalizer is there for',
      404,
      { statuses: new Set([200, 404]), normalize: () => ({ active: false }), identity: undefined },
      'bad_response, too large',
    ],
  ])('%s', (_, status, normalizer, message) => {
    expect(() => parseResponse(reply({ status, body: TOO_LARGE }), ASKED, normalizer)).toThrow(`(${message})`);
  });

  it.each([
    [200, true],
    [400, true],
    [404, true],
    [401, true],
    [403, true],
    [302, false],
    [429, false],
    [503, false],
  ])('is read at status %i: %p', (status, matters) => {
    expect(
      isBodyNeeded(status, { statuses: new Set([200, 404]), normalize: () => undefined, identity: undefined }),
    ).toBe(matters);
    expect(isBodyNeeded(404, undefined)).toBe(false);
  });
});
