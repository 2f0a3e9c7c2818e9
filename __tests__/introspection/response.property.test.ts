import fc from 'fast-check';
import { IntrospectionError } from '../../lib/core/errors.js';
import type { TokenRecord } from '../../lib/core/lookup.js';
import type { EndpointResponse } from '../../lib/introspection/http.js';
import { parseResponse } from '../../lib/introspection/response.js';
import { mutatedActive } from '../support/replies.js';

const ASKED = { at: 1_800_000_000_000, monotonic: 1000 };

function read(body: string, given: Partial<EndpointResponse> = {}): TokenRecord | IntrospectionError {
  try {
    return parseResponse(
      { status: 200, headers: { 'content-type': 'application/json' }, body, ...given },
      ASKED,
      undefined,
    );
  } catch (error) {
    if (error instanceof IntrospectionError) return error;
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

const bodies = fc.oneof(
  fc.json(),
  mutatedActive.map((body) => JSON.stringify(body)),
  fc.string(),
);

/** Members with this name are removed at every depth. */
const withoutProto = (name: string, value: unknown) => (name === '__proto__' ? undefined : value);

describe('parseResponse, for any response', () => {
  it('returns an active record only for active: true, otherwise an inactive record or an outage', () => {
    fc.assert(
      fc.property(bodies, (text) => {
        const outcome = read(text);
        const said = parsed(text) as { active?: unknown } | null | undefined;
        if (outcome instanceof IntrospectionError) expect(outcome.code).toBe('bad_response');
        else expect(outcome.active).toBe(said?.active);
      }),
      { numRuns: 2000 },
    );
  });

  it('returns claims of the documented types, with any other members', () => {
    let records = 0;
    fc.assert(
      fc.property(mutatedActive, (body) => {
        const record = read(JSON.stringify(body));
        if (record instanceof IntrospectionError || !record.active) return;
        records++;
        const { active, scope, exp, iat, nbf, aud, ...rest } = record.claims;
        expect(active).toBe(true);
        expect(typeof scope).toBe('string');
        expect(record.scopes).toEqual(scope.split(' ').filter(Boolean));
        for (const time of [exp, iat, nbf]) expect(time === undefined || Number.isFinite(time)).toBe(true);
        for (const name of aud === undefined ? [] : [aud].flat()) expect(typeof name).toBe('string');
        for (const value of Object.values(rest)) {
          expect(value).not.toBeNull();
          expect(isDeeplyFrozen(value)).toBe(true);
        }
        for (const [name, value] of Object.entries(body)) {
          if (value === null || ['scope', '__proto__'].includes(name)) continue;
          expect(JSON.stringify(record.claims[name])).toBe(JSON.stringify(value, withoutProto));
        }
      }),
      { numRuns: 1000 },
    );
    expect(records).toBeGreaterThan(50);
  });

  it('throws for every status except 200, unless the error is unsupported_token_type', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), bodies, (status, text) => {
        fc.pre(status !== 200 && !(status === 400 && text.includes('unsupported_token_type')));
        expect(read(text, { status })).toBeInstanceOf(IntrospectionError);
      }),
      { numRuns: 1000 },
    );
  });

  it('throws for every media type except application/json', () => {
    fc.assert(
      fc.property(fc.string(), (type) => {
        fc.pre(!/^\s*application\/json\s*(;|$)/i.test(type));
        expect(read('{"active":true}', { headers: { 'content-type': type } })).toMatchObject({ code: 'bad_response' });
      }),
    );
  });
});
