import type { Claims, ClaimsSchema } from '../core/claims.js';
import { AuthError, IntrospectionError } from '../core/errors.js';
import { freezeNested } from '../core/freeze.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface ClaimsPolicy {
  readonly claims: ClaimsSchema | undefined;
}

/** What a schema made of a record's claims; `undefined` when they do not match. Checked once per record and schema. */
const outcomes = new WeakMap<ClaimsSchema, WeakMap<ActiveRecord, Claims | undefined>>();

/**
 * The claims a handler will see: the record's, with what the schema makes of them laid over.
 *
 * @throws AuthError `claims_rejected`
 * @throws IntrospectionError `claims_schema_failed`, for a schema that throws, is asynchronous or makes what cannot be shared
 */
export function parseClaims(record: ActiveRecord, { claims: schema }: ClaimsPolicy): Claims {
  if (schema === undefined) return record.claims;
  let known = outcomes.get(schema);
  if (known === undefined) {
    known = new WeakMap();
    outcomes.set(schema, known);
  }
  if (!known.has(record)) known.set(record, applySchema(record.claims, schema));
  const claims = known.get(record);
  if (claims === undefined) throw new AuthError('claims_rejected');
  return claims;
}

function applySchema(claims: Claims, schema: ClaimsSchema): Claims | undefined {
  try {
    const result: unknown = schema['~standard'].validate({ ...claims });
    if (!isObject(result)) throw new Error('no result');
    if ('then' in result) {
      Promise.resolve(result).catch(() => {});
      throw new Error('asynchronous');
    }
    if (result.issues !== undefined) return undefined;
    // A copy: freezing must not reach into objects that the app's schema shares.
    const output: unknown = structuredClone(result.value);
    if (!isObject(output) || Array.isArray(output)) throw new Error('no claims');
    const merged: Claims = { ...claims, ...output, active: claims.active, scope: claims.scope };
    if (!freezeNested(merged)) throw new Error('not plain data');
    return Object.setPrototypeOf(merged, null);
  } catch {
    throw new IntrospectionError('claims_schema_failed');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
