import { evaluate } from '../support/evaluate.js';

describe('countByKind', () => {
  it.each([
    ['__tests__/http/guards.test.ts', 'over HTTP'],
    ['__tests__/streams/end-with-token.test.ts', 'over HTTP'],
    ['__tests__/flow/redis.test.ts', 'whole systems'],
    ['__tests__/rfc/rfc7662.test.ts', 'specifications'],
    ['__tests__/regression/memory.test.ts', 'faults that were mended'],
    ['__tests__/introspection/response.property.test.ts', 'rules for random values'],
    ['__tests__/model/model.test.ts', 'searches of this page'],
    ['__tests__/words.test.ts', 'package and documentation'],
    ['__tests__/cache/memory-cache.test.ts', 'parts'],
  ])('counts %s as: %s', (file, kind) => {
    const files = JSON.stringify([{ file, tests: 3 }]);
    const counts = evaluate('bench/tests/kinds.mjs', `module.countByKind(${files})`) as { kind: string }[];
    expect(counts.filter((count) => !JSON.stringify(count).endsWith('"files":0,"tests":0}'))).toEqual([
      { kind, files: 1, tests: 3 },
    ]);
  });
});
