import { z } from 'zod';
import type { ClaimsSchema } from '../../lib/core/claims.js';
import { parseClaims } from '../../lib/verification/claims.js';
import { activeRecord } from '../support/records.js';
import { Thenable } from '../support/thenable.js';

type Validate = (value: unknown) => unknown;

function schemaOf(validate: Validate): ClaimsSchema {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as ClaimsSchema['~standard']['validate'] } };
}

const SCHEMA_FAILED = expect.objectContaining({
  name: 'IntrospectionError',
  status: 503,
  code: 'claims_schema_failed',
  message:
    'Token introspection failed: the "claims" schema threw, was asynchronous, or did not return plain data (claims_schema_failed)',
});

describe('parseClaims', () => {
  it('returns the claims of the record without a schema', () => {
    const record = activeRecord({ sub: 'alice' });
    expect(parseClaims(record, { claims: undefined })).toBe(record.claims);
  });

  it('overlays the output of the schema, and keeps claims that the schema does not know', () => {
    const claims = z.object({ tenant: z.string().toUpperCase(), plan: z.string().default('free') });
    expect(parseClaims(activeRecord({ sub: 'alice', tenant: 'acme' }), { claims })).toEqual({
      active: true,
      scope: '',
      sub: 'alice',
      tenant: 'ACME',
      plan: 'free',
    });
  });

  it('does not let the schema change active or scope', () => {
    const claims = schemaOf(() => ({ value: { active: false, scope: 'admin', tenant: 'acme' } }));
    const record = activeRecord({ scope: 'read' });
    expect(parseClaims(record, { claims })).toEqual({ active: true, scope: 'read', tenant: 'acme' });
    expect(record.claims).toEqual({ active: true, scope: 'read' });
  });

  it('does not let the schema change the claims of the record by writing to its input', () => {
    const record = activeRecord({ sub: 'alice' });
    const claims = schemaOf((value) => {
      (value as { sub: string }).sub = 'mallory';
      return { value: {} };
    });
    expect(parseClaims(record, { claims }).sub).toBe('alice');
  });

  it('freezes nested values, because requests share them', () => {
    const claims = z.object({ tenant: z.object({ tags: z.array(z.string()) }) });
    const parsed = parseClaims(activeRecord({ tenant: { tags: ['a'] } }), { claims });
    expect(Object.isFrozen(parsed.tenant)).toBe(true);
    expect(Object.isFrozen((parsed.tenant as { tags: string[] }).tags)).toBe(true);
  });

  it('copies the output, so that objects of the app are not frozen', () => {
    const shared = { tags: ['a'] };
    const parsed = parseClaims(activeRecord(), { claims: schemaOf(() => ({ value: { shared } })) });
    expect(parsed.shared).toEqual(shared);
    expect(Object.isFrozen(shared)).toBe(false);
  });

  it('rejects a token whose claims do not match', () => {
    const claims = z.object({ tenant: z.string() });
    expect(() => parseClaims(activeRecord({ tenant: 7 }), { claims })).toThrow(
      expect.objectContaining({ status: 401, code: 'invalid_token', reason: 'claims_rejected' }),
    );
  });

  it('runs the schema once for each record and schema, whether it matched or not', () => {
    const validate = jest.fn<unknown, [unknown]>(() => ({ value: {} }));
    const reject = jest.fn<unknown, [unknown]>(() => ({ issues: [{ message: 'no' }] }));
    const [matching, rejecting] = [schemaOf(validate), schemaOf(reject)];
    const record = activeRecord({ sub: 'alice' });
    expect(parseClaims(record, { claims: matching })).toBe(parseClaims(record, { claims: matching }));
    expect(validate).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 2; i++) {
      expect(() => parseClaims(record, { claims: rejecting })).toThrow(
        expect.objectContaining({ reason: 'claims_rejected' }),
      );
    }
    expect(reject).toHaveBeenCalledTimes(1);
    parseClaims(activeRecord({ sub: 'bob' }), { claims: matching });
    expect(validate).toHaveBeenCalledTimes(2);
  });

  it('throws an IntrospectionError without the text of the schema when the schema throws', () => {
    const claims = schemaOf(() => {
      throw new Error('secret-token');
    });
    expect(() => parseClaims(activeRecord(), { claims })).toThrow(SCHEMA_FAILED);
  });

  it.each([
    ['a promise', (): unknown => Promise.resolve({ value: {} })],
    ['a promise that fails', (): unknown => Promise.reject(new Error('late'))],
    ['a promise of another library', (): unknown => new Thenable({ issues: [{ message: 'no' }] })],
    ['nothing', (): unknown => undefined],
    ['text', (): unknown => 'ok'],
    ['no value', (): unknown => ({})],
    ['a value that is text', (): unknown => ({ value: 'alice' })],
    ['a value that is a list', (): unknown => ({ value: ['alice'] })],
    ['a value that is null', (): unknown => ({ value: null })],
    ['a date, which cannot be frozen', (): unknown => ({ value: { since: new Date(0) } })],
    ['a map, which cannot be frozen', (): unknown => ({ value: { tags: new Map() } })],
    ['a function', (): unknown => ({ value: { isAdmin: () => true } })],
  ])('throws an IntrospectionError when the schema returns %s', (_, validate) => {
    expect(() => parseClaims(activeRecord(), { claims: schemaOf(validate) })).toThrow(SCHEMA_FAILED);
  });
});
