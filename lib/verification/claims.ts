import type { Claims, ClaimsSchema } from '../core/claims.js';
import { AuthError, IntrospectionError } from '../core/errors.js';
import { freezeNested } from '../core/freeze.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface ClaimsPolicy {
  readonly claims: ClaimsSchema | undefined;
}

/**
 * Results of schemas, by schema and record: the validated claims, or `undefined` if the schema reported issues. A schema that failed with
 * `claims_schema_failed` has no result here, so it runs again for the next request.
 */
const outcomes = new WeakMap<ClaimsSchema, WeakMap<ActiveRecord, Claims | undefined>>();

/**
 * Returns the claims for the handler: the claims of the record, in which the output of the schema replaces claims of the same name, except
 * `active` and `scope`. Without a schema, the claims of the record are returned.
 *
 * @throws AuthError `claims_rejected` when the schema reports issues
 * @throws IntrospectionError `claims_schema_failed` when the schema throws, is asynchronous or returns values that cannot be shared
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
    // The output is copied, because freezing it must not affect objects that the app also uses elsewhere.
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
