import { parseScopes, prepareClaims } from '../../lib/introspection/prepare-claims.js';

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

  it('are an object of their own, with frozen parts that requests may share', () => {
    const response = { sub: 'alice', aud: ['a'], ext: { list: [{ deep: [1] }] } };
    const claims = prepareClaims(response);
    expect(claims).toEqual({ ...response, active: true, scope: '' });
    expect(claims).not.toBe(response);
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
});
