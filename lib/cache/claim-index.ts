import type { ActiveRecord } from '../core/lookup.js';
import { REVOCABLE_CLAIMS, type RevocableClaim } from './shared/revocations.js';

/** Finds the token digests of all records in which a claim has a certain value, without reading every record. */
export interface ClaimIndex {
  add(digest: string, record: ActiveRecord): void;
  remove(digest: string, record: ActiveRecord): void;
  /** Digests of all tokens whose record has this claim value. The digest that was added first comes first. */
  digestsOf(name: RevocableClaim, value: string): readonly string[];
}

/**
 * The token digests for one claim value. Most values occur in only one record. So a single digest is stored as a string, because a set
 * would take four times the memory.
 */
type Digests = string | Set<string>;

export function createClaimIndex(): ClaimIndex {
  const indexes: Readonly<Record<RevocableClaim, Map<string, Digests>>> = {
    sub: new Map(),
    sid: new Map(),
    client_id: new Map(),
    jti: new Map(),
  };

  return {
    add(digest, { claims }) {
      for (const name of REVOCABLE_CLAIMS) {
        const digestsByValue = indexes[name];
        const value = claims[name];
        if (typeof value !== 'string') continue;
        const known = digestsByValue.get(value);
        if (known === undefined) digestsByValue.set(value, digest);
        else if (typeof known !== 'string') known.add(digest);
        else if (known !== digest) digestsByValue.set(value, new Set([known, digest]));
      }
    },
    remove(digest, { claims }) {
      for (const name of REVOCABLE_CLAIMS) {
        const digestsByValue = indexes[name];
        const value = claims[name];
        if (typeof value !== 'string') continue;
        const known = digestsByValue.get(value);
        if (known === digest) digestsByValue.delete(value);
        else if (typeof known === 'object' && known.delete(digest) && known.size === 0) digestsByValue.delete(value);
      }
    },
    digestsOf(name, value) {
      const known = indexes[name].get(value);
      if (known === undefined) return [];
      return typeof known === 'string' ? [known] : [...known];
    },
  };
}
