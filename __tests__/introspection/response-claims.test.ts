import { parseScopes, prepareClaims } from '../../lib/introspection/response-claims.js';

function nested(levels: number, leaf: unknown = 'leaf'): unknown {
  let value = leaf;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? { value } : [value];
  return value;
}

describe('prepareClaims', () => {
  it.each([
    ['absent', {}, ''],
    ['a string', { scope: 'read write' }, 'read write'],
    ['an empty string', { scope: '' }, ''],
    ['a list', { scope: ['read', 'write'] }, 'read write'],
    ['an empty list', { scope: [] }, ''],
  ])('makes scope a string when the response has %s', (_, response, scope) => {
    expect(prepareClaims(response)).toEqual({ active: true, scope });
  });

  it('changes the response in place, and freezes its nested values', () => {
    const response = { sub: 'alice', aud: ['a'], ext: { list: [{ deep: [1] }] } };
    const claims = prepareClaims(response);
    expect(claims).toBe(response);
    expect(claims).toEqual({
      active: true,
      scope: '',
      sub: 'alice',
      aud: ['a'],
      ext: { list: [{ deep: [1] }] },
    });
    expect(Object.isFrozen(claims)).toBe(false);
    const ext = claims?.ext as { list: [{ deep: number[] }] };
    for (const part of [claims?.aud, ext, ext.list, ext.list[0], ext.list[0].deep]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('accepts 32 levels of nesting and no more, without recursion', () => {
    expect(prepareClaims({ ext: nested(32) })).toEqual({ active: true, scope: '', ext: nested(32) });
    expect(prepareClaims({ ext: nested(33) })).toBeUndefined();
    expect(prepareClaims({ ext: nested(100_000) })).toBeUndefined();
  });

  it('removes members named __proto__ at every level', () => {
    const response = JSON.parse('{"ext":{"list":[{"__proto__":{"admin":true},"kept":1}]}}');
    const claims = prepareClaims(response) as { ext: { list: [Record<string, unknown>] } } | undefined;
    const part = claims?.ext.list[0];
    expect(Object.keys(part ?? {})).toEqual(['kept']);
    expect(part?.admin).toBeUndefined();
  });

  it.each([
    ['bytes', new Uint8Array([1, 2])],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['an object of a class', new URL('https://as.example.com')],
  ])('rejects %s, which stays mutable when frozen', (_, value) => {
    expect(prepareClaims({ ext: [value] })).toBeUndefined();
  });

  it('accepts loops, which a normalizer can build', () => {
    const loop: Record<string, unknown> = { name: 'loop' };
    loop.self = loop;
    expect(Object.isFrozen(prepareClaims({ loop })?.loop)).toBe(true);
  });

  it('keeps the text of shared strings', () => {
    const common = { scope: 'read write', client_id: 'app', token_type: 'Bearer', aud: 'api', iss: 'https://as.test' };
    for (let i = 0; i < 3; i++) {
      expect(prepareClaims({ ...common, sub: String(i) })).toEqual({ ...common, active: true, sub: String(i) });
    }
  });

  it('returns correct claims after thousands of other texts and after long texts', () => {
    const made = (index: number) => ({
      scope: `s${index}`,
      client_id: `c${index}`,
      aud: `a${index}`,
      iss: `i${index}`,
    });
    for (let index = 0; index < 3000; index++) {
      expect(prepareClaims(made(index))).toEqual({ ...made(index), active: true });
    }
    const long = 'x'.repeat(200_000);
    expect(prepareClaims({ scope: long, aud: `${long}a`, iss: `${long}b` })).toEqual({
      active: true,
      scope: long,
      aud: `${long}a`,
      iss: `${long}b`,
    });
    expect(prepareClaims(made(0))).toEqual({ ...made(0), active: true });
  });

  it.each(['__proto__', 'constructor', 'toString', ''])('accepts %j in a claim whose texts are shared', (text) => {
    expect(prepareClaims({ scope: text, client_id: text })).toEqual({ active: true, scope: text, client_id: text });
    expect(parseScopes(text)).toEqual(text === '' ? [] : [text]);
  });

  it('keeps values that are not strings in claims whose texts are shared', () => {
    const response = { client_id: 7, token_type: true, aud: ['api', 'web'], iss: { name: 'x' } };
    expect(prepareClaims({ ...response })).toEqual({ ...response, active: true, scope: '' });
  });
});

describe('parseScopes', () => {
  it.each([
    ['', []],
    ['read', ['read']],
    ['read write', ['read', 'write']],
    ['  read   write ', ['read', 'write']],
    ['read\twrite', ['read\twrite']],
  ])('parses %j', (scope, scopes) => {
    expect(parseScopes(scope)).toEqual(scopes);
    expect(Object.isFrozen(parseScopes(scope))).toBe(true);
  });

  it('returns one frozen list for one scope string', () => {
    const scopes = parseScopes('shared read write');
    expect(parseScopes(['shared', 'read', 'write'].join(' '))).toBe(scopes);
    expect(parseScopes('shared  read write')).not.toBe(scopes);
    expect(parseScopes('shared read Write')).not.toBe(scopes);
    expect(() => (scopes as string[]).push('admin')).toThrow(TypeError);
    expect(() => Object.assign(scopes, ['admin'])).toThrow(TypeError);
    expect(parseScopes('shared read write')).toEqual(['shared', 'read', 'write']);
  });

  it('returns correct scopes after many other scope strings', () => {
    const text = (index: number) => `read-${index} write-${index}`;
    for (const _round of ['new', 'perhaps remembered']) {
      for (let index = 0; index < 2500; index++) {
        expect(parseScopes(text(index))).toEqual([`read-${index}`, `write-${index}`]);
      }
    }
    expect(parseScopes(text(2499))).toBe(parseScopes(text(2499)));
    const first = parseScopes('kept for a while');
    for (let i = 0; i < 1000; i++) parseScopes(`other-${i}`);
    expect(parseScopes('kept for a while')).not.toBe(first);
  });

  it('returns correct scopes for long scope strings, which are not cached', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `scope-${index}`);
    const long = names.join(' ');
    expect(parseScopes(long)).toEqual(names);
    expect(parseScopes(long)).not.toBe(parseScopes(long));
    expect(parseScopes(`${long} more`)).toEqual([...names, 'more']);
    expect(Object.isFrozen(parseScopes(long))).toBe(true);
  });

  it('keeps the lists of 1000 scope strings of up to 1024 characters', () => {
    let parse = parseScopes;
    jest.isolateModules(() => {
      ({ parseScopes: parse } = jest.requireActual('../../lib/introspection/response-claims.js'));
    });
    const lists = Array.from({ length: 1000 }, (_, index) => parse(`scope-${index}`));
    expect(lists.every((list, index) => parse(`scope-${index}`) === list)).toBe(true);
    parse('x'.repeat(1025));
    expect(parse('scope-0')).toBe(lists[0]);
    const longest = parse('x'.repeat(1024));
    expect(parse('x'.repeat(1024))).toBe(longest);
    expect(parse('scope-0')).not.toBe(lists[0]);
  });
});
