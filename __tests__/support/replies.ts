import fc from 'fast-check';

const NOW = Math.floor(Date.now() / 1000);

/** Values of wrong types that an endpoint may send. */
const value = fc.oneof(
  fc.constantFrom<unknown>(true, false, null, 'true', 1, 0, '', [], {}, [true], { active: true }),
  fc.jsonValue({ maxDepth: 3 }),
);

const members: Record<string, fc.Arbitrary<unknown>> = {
  active: fc.constantFrom<unknown>(true, true, true, false, 'true', 1, null, [true]),
  scope: fc.constantFrom<unknown>('read write', 'read', '', null, ['read', 'write'], ['a b'], 7),
  exp: fc.constantFrom<unknown>(NOW + 3600, NOW + 3600, NOW - 3600, 0, -1, null, String(NOW + 3600), NOW * 1000, true),
  nbf: fc.constantFrom<unknown>(NOW - 60, 0, NOW + 3600, null, '0'),
  aud: fc.constantFrom<unknown>('https://api.example.com', ['https://api.example.com', 'x'], 'x', [], null, 7),
  iss: fc.constantFrom<unknown>('https://as.example.com', 'https://as.example.com', 'x', null, ['x']),
  token_type: fc.constantFrom<unknown>('Bearer', 'Bearer', 'refresh_token', null, 7),
  token_use: fc.constantFrom<unknown>('access', 'refresh', null),
  cnf: fc.constantFrom<unknown>(null, null, { jkt: 'x' }, false),
  sub: fc.oneof(fc.string(), value),
};

/** An active response with missing, additional and wrongly typed members. */
export const mutatedActive: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(fc.record(members, { requiredKeys: ['active'] }), fc.dictionary(fc.string(), value, { maxKeys: 3 }))
  .map(([known, more]) => ({ ...more, ...known }));

/** At most two members that may be wrong. */
export const mutations: fc.Arbitrary<Record<string, unknown>> = fc
  .array(fc.oneof(...Object.entries(members).map(([name, member]) => fc.tuple(fc.constant(name), member))), {
    maxLength: 2,
  })
  .map((entries) => Object.fromEntries(entries));
