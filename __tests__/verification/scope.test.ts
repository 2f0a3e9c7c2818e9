import { requireScopes, requireSomeScope } from '../../lib/verification/scope.js';
import { activeRecord } from '../support/records.js';

describe('the scopes of a token', () => {
  it.each([
    ['read write', []],
    ['', []],
    ['read write', ['read']],
    ['read write', ['write', 'read']],
  ])('of %p meet a demand for all of %j', (scope, scopes) => {
    expect(() => requireScopes(activeRecord({ scope }), { scopes, satisfiesScope: undefined })).not.toThrow();
  });

  it.each([
    ['', ['read']],
    ['read', ['read', 'write']],
    ['read', ['Read']],
    ['reader', ['read']],
    ['read:all', ['read']],
    ['read', ['read ']],
  ])('of %p do not meet a demand for all of %j, and all of it is named', (scope, scopes) => {
    expect(() => requireScopes(activeRecord({ scope }), { scopes, satisfiesScope: undefined })).toThrow(
      expect.objectContaining({ status: 403, code: 'insufficient_scope', reason: 'insufficient_scope', scopes }),
    );
  });

  it.each([
    ['read', ['read', 'write']],
    ['x write', ['read', 'write']],
  ])('of %p meet a demand for one of %j', (scope, scopes) => {
    expect(() => requireSomeScope(activeRecord({ scope }), { scopes, satisfiesScope: undefined })).not.toThrow();
  });

  it.each([
    ['', ['read', 'write']],
    ['admin', ['read', 'write']],
    ['readwrite', ['read', 'write']],
  ])('of %p do not meet a demand for one of %j, and all of it is named', (scope, scopes) => {
    expect(() => requireSomeScope(activeRecord({ scope }), { scopes, satisfiesScope: undefined })).toThrow(
      expect.objectContaining({ status: 403, code: 'insufficient_scope', reason: 'insufficient_scope', scopes }),
    );
  });

  it('are judged by a matcher instead, where there is one, by true alone', () => {
    const record = activeRecord({ scope: 'a b' });
    const seen: unknown[] = [];
    const demands = (verdict: unknown) => ({
      scopes: ['x', 'y'],
      satisfiesScope: (granted: readonly string[], required: string) => {
        seen.push([granted, required]);
        return verdict as boolean;
      },
    });
    for (const judge of [requireScopes, requireSomeScope]) {
      expect(() => judge(record, demands(true))).not.toThrow();
      for (const verdict of [false, 1, 'true', undefined, Promise.resolve(true), Promise.reject(new Error('later'))]) {
        expect(() => judge(record, demands(verdict))).toThrow(expect.objectContaining({ scopes: ['x', 'y'] }));
      }
    }
    expect(seen.slice(0, 2)).toEqual(['x', 'y'].map((required) => [['a', 'b'], required]));
  });
});
