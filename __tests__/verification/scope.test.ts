import { requireScopes, requireSomeScope } from '../../lib/verification/scope.js';
import { activeRecord } from '../support/records.js';

describe('requireScopes and requireSomeScope', () => {
  it.each([
    ['read write', []],
    ['', []],
    ['read write', ['read']],
    ['read write', ['write', 'read']],
  ])('accept scope %p when all of %j are required', (scope, scopes) => {
    expect(() => requireScopes(activeRecord({ scope }), { scopes, satisfiesScope: undefined })).not.toThrow();
  });

  it.each([
    ['', ['read']],
    ['read', ['read', 'write']],
    ['read', ['Read']],
    ['reader', ['read']],
    ['read:all', ['read']],
    ['read', ['read ']],
  ])('reject scope %p when all of %j are required, and name them all', (scope, scopes) => {
    expect(() => requireScopes(activeRecord({ scope }), { scopes, satisfiesScope: undefined })).toThrow(
      expect.objectContaining({ status: 403, code: 'insufficient_scope', reason: 'insufficient_scope', scopes }),
    );
  });

  it.each([
    ['read', ['read', 'write']],
    ['x write', ['read', 'write']],
  ])('accept scope %p when one of %j is required', (scope, scopes) => {
    expect(() => requireSomeScope(activeRecord({ scope }), { scopes, satisfiesScope: undefined })).not.toThrow();
  });

  it.each([
    ['', ['read', 'write']],
    ['admin', ['read', 'write']],
    ['readwrite', ['read', 'write']],
  ])('reject scope %p when one of %j is required, and name them all', (scope, scopes) => {
    expect(() => requireSomeScope(activeRecord({ scope }), { scopes, satisfiesScope: undefined })).toThrow(
      expect.objectContaining({ status: 403, code: 'insufficient_scope', reason: 'insufficient_scope', scopes }),
    );
  });

  it('use satisfiesScope when it is set, and accept only true from it', () => {
    const record = activeRecord({ scope: 'a b' });
    const seen: unknown[] = [];
    const policy = (verdict: unknown) => ({
      scopes: ['x', 'y'],
      satisfiesScope: (granted: readonly string[], required: string) => {
        seen.push([granted, required]);
        return verdict as boolean;
      },
    });
    for (const check of [requireScopes, requireSomeScope]) {
      expect(() => check(record, policy(true))).not.toThrow();
      for (const verdict of [false, 1, 'true', undefined, Promise.resolve(true), Promise.reject(new Error('later'))]) {
        expect(() => check(record, policy(verdict))).toThrow(expect.objectContaining({ scopes: ['x', 'y'] }));
      }
    }
    expect(seen.slice(0, 2)).toEqual(['x', 'y'].map((required) => [['a', 'b'], required]));
  });
});
