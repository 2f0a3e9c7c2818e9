import { requireRoles, requireSomeRole } from '../../lib/verification/roles.js';
import { activeRecord } from '../support/records.js';

const REJECTED = expect.objectContaining({ status: 403, code: 'insufficient_scope', reason: 'insufficient_role' });

describe('the roles of a token', () => {
  it('are the strings in the claim roles, unless the app reads them', () => {
    const record = activeRecord({ roles: ['a', 'b', 5] });
    expect(() => requireRoles(record, { roles: ['a', 'b'], readRoles: undefined })).not.toThrow();
    expect(() => requireRoles(record, { roles: ['a', 'c'], readRoles: undefined })).toThrow(REJECTED);
    expect(() => requireSomeRole(record, { roles: ['c', 'b'], readRoles: undefined })).not.toThrow();
    expect(() => requireSomeRole(record, { roles: ['c', 'd'], readRoles: undefined })).toThrow(REJECTED);
  });

  it('come from the function of the app, which gets the claims', () => {
    const record = activeRecord({ realm: 'a' });
    const readRoles = (claims: Record<string, unknown>) => [claims.realm as string];
    expect(() => requireRoles(record, { roles: ['a'], readRoles })).not.toThrow();
    expect(() => requireSomeRole(record, { roles: ['b'], readRoles })).toThrow(REJECTED);
  });

  it.each(['admin', undefined, null, 5, {}, new Set(['admin'])])('are none if the function returns %p', (result) => {
    for (const require of [requireRoles, requireSomeRole]) {
      expect(() => require(activeRecord(), { roles: ['admin'], readRoles: () => result as never })).toThrow(REJECTED);
    }
  });

  it('must be read synchronously', () => {
    const readRoles = () => Promise.reject(new Error('later')) as never;
    expect(() => requireRoles(activeRecord(), { roles: ['admin'], readRoles })).toThrow(
      new TypeError('"roles" returned a promise; it has to be synchronous'),
    );
  });
});
