import { parseScopes, prepareClaims } from '../../lib/introspection/response-claims.js';

function nested(levels: number, leaf: unknown = 'leaf'): unknown {
  let value = leaf;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? { value } : [value];
  return value;
}

describe('claims', () => {
  it.each([
    ['absent', {}, ''],
    ['a string', { scope: 'read write' }, 'read write'],
    ['an empty string', { scope: '' }, ''],
    ['a list', { scope: ['read', 'write'] }, 'read write'],
    ['an empty list', { scope: [] }, ''],
  ])('have a scope that is a string when the endpoint’s is %s', (_, response, scope) => {
    expect(prepareClaims(response)).toEqual({ active: true, scope });
  });

  it('are made of the response in place, with frozen parts that requests may share', () => {
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

  it('may be nested 32 levels deep and no deeper, and are judged without recursion', () => {
    expect(prepareClaims({ ext: nested(32) })).toEqual({ active: true, scope: '', ext: nested(32) });
    expect(prepareClaims({ ext: nested(33) })).toBeUndefined();
    expect(prepareClaims({ ext: nested(100_000) })).toBeUndefined();
  });

  it('lose members named __proto__, at any level', () => {
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
  ])('may not hold %s, which freezing would not keep from change', (_, value) => {
    expect(prepareClaims({ ext: [value] })).toBeUndefined();
  });

  it('may hold loops, which a normalizer can build', () => {
    const loop: Record<string, unknown> = { name: 'loop' };
    loop.self = loop;
    expect(Object.isFrozen(prepareClaims({ loop })?.loop)).toBe(true);
  });

  it('keep the strings that come with one token after another as they are', () => {
    const common = { scope: 'read write', client_id: 'app', token_type: 'Bearer', aud: 'api', iss: 'https://as.test' };
    for (let i = 0; i < 3; i++) {
      expect(prepareClaims({ ...common, sub: String(i) })).toEqual({ ...common, active: true, sub: String(i) });
    }
  });

  it('are right whatever came before: thousands of others, or others far too long', () => {
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

  it.each(['__proto__', 'constructor', 'toString', ''])('may hold texts like %j where others are shared', (text) => {
    expect(prepareClaims({ scope: text, client_id: text })).toEqual({ active: true, scope: text, client_id: text });
    expect(parseScopes(text)).toEqual(text === '' ? [] : [text]);
  });

  it('leave what is no string where one is usual', () => {
    const response = { client_id: 7, token_type: true, aud: ['api', 'web'], iss: { name: 'x' } };
    expect(prepareClaims({ ...response })).toEqual({ ...response, active: true, scope: '' });
  });
});

describe('scopes', () => {
  it.each([
    ['', []],
    ['read', ['read']],
    ['read write', ['read', 'write']],
    ['  read   write ', ['read', 'write']],
    ['read\twrite', ['read\twrite']],
  ])('are parsed from %j', (scope, scopes) => {
    expect(parseScopes(scope)).toEqual(scopes);
    expect(Object.isFrozen(parseScopes(scope))).toBe(true);
  });

  it('are one list for one scope string, which nobody can change', () => {
    const scopes = parseScopes('shared read write');
    expect(parseScopes(['shared', 'read', 'write'].join(' '))).toBe(scopes);
    expect(parseScopes('shared  read write')).not.toBe(scopes);
    expect(parseScopes('shared read Write')).not.toBe(scopes);
    expect(() => (scopes as string[]).push('admin')).toThrow(TypeError);
    expect(() => Object.assign(scopes, ['admin'])).toThrow(TypeError);
    expect(parseScopes('shared read write')).toEqual(['shared', 'read', 'write']);
  });

  it('are right however many scope strings have come by', () => {
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

  it('are right for very long scope strings, which are not kept', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `scope-${index}`);
    const long = names.join(' ');
    expect(parseScopes(long)).toEqual(names);
    expect(parseScopes(long)).not.toBe(parseScopes(long));
    expect(parseScopes(`${long} more`)).toEqual([...names, 'more']);
    expect(Object.isFrozen(parseScopes(long))).toBe(true);
  });
});
