import { AuthError, IntrospectionError } from '../errors.js';
import { freezeNested } from '../freeze-nested.js';
import type { ActiveRecord, Claims, ClaimsSchema } from '../types.js';

export interface ClaimsDemands {
  readonly claims: ClaimsSchema | undefined;
}

/** What a schema made of a record's claims; `undefined` when they do not match. Checked once per record and schema. */
const outcomes = new WeakMap<ClaimsSchema, WeakMap<ActiveRecord, Claims | undefined>>();

/**
 * The claims a handler will see: the record's, with what the schema makes of them laid over.
 *
 * @throws AuthError `claims_rejected`
 * @throws IntrospectionError `claims_schema_failed`, for a schema that throws or is asynchronous
 */
export function parseClaims(record: ActiveRecord, { claims: schema }: ClaimsDemands): Claims {
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
  let result: ReturnType<ClaimsSchema['~standard']['validate']>;
  try {
    result = schema['~standard'].validate({ ...claims });
  } catch {
    throw new IntrospectionError('claims_schema_failed');
  }
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new IntrospectionError('claims_schema_failed');
  }
  if (result.issues !== undefined) return undefined;
  const merged = { ...claims, ...(result.value as object), active: claims.active, scope: claims.scope };
  freezeNested(merged);
  return merged;
}
