import fc from 'fast-check';
import { withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/core/errors.js';
import { ANY_AGE, type TokenRecord } from '../../lib/core/lookup.js';
import { createClock, since } from '../support/clock.js';
import { diagnose } from '../support/outages.js';
import { activeRecord, bearerCredentials, beginMiss, inactiveRecord } from '../support/records.js';

const TTL = 60;
const STALE_IF_ERROR = 200;
const TOKEN = bearerCredentials();
const OUTAGES: readonly IntrospectionErrorCode[] = [
  'timeout',
  'unreachable',
  'server_error',
  'rate_limited',
  'circuit_open',
];

/** How the endpoint responds. */
type Mode = 'active' | 'inactive' | IntrospectionErrorCode;

type Step =
  | { readonly wait: number }
  | { readonly mode: Mode; readonly exp: number | undefined }
  | { readonly maxAge: number | undefined }
  | 'forget';

const modes: fc.Arbitrary<Mode> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Mode>('active') },
  { weight: 1, arbitrary: fc.constant<Mode>('inactive') },
  { weight: 4, arbitrary: fc.constantFrom<Mode>(...OUTAGES) },
  { weight: 1, arbitrary: fc.constantFrom<Mode>('client_rejected', 'bad_response', 'credentials_unavailable') },
);

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(
    { weight: 4, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 90 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({ mode: modes, exp: fc.option(fc.integer({ min: 0, max: 250 }), { nil: undefined }) }),
    },
    {
      weight: 8,
      arbitrary: fc.record({ maxAge: fc.oneof(fc.constant(undefined), fc.constant(undefined), fc.nat(250)) }),
    },
    { weight: 1, arbitrary: fc.constant('forget') },
  ),
  { maxLength: 60, size: 'max' },
);

describe('withMemoryCache', () => {
  it.each([false, true])(
    'uses an old response only when it may, whatever happens (early refresh: %p)',
    async (refreshAhead) => {
      let stale = 0;
      await fc.assert(
        fc.asyncProperty(steps, async (sequence) => {
          const clock = createClock();
          let mode: Mode = 'active';
          let exp: number | undefined;
          /** When the endpoint last said inactive, or the app forgot the token. No older record may be used. */
          let clearedAt = Number.NEGATIVE_INFINITY;
          const cache = withMemoryCache(
            async () => {
              const now = { askedAt: clock.now(), askedMonotonic: clock.monotonic() };
              if (mode === 'active') return activeRecord(exp === undefined ? {} : { exp: clock.seconds() + exp }, now);
              if (mode !== 'inactive') throw new IntrospectionError(mode);
              clearedAt = clock.monotonic();
              return inactiveRecord(now);
            },
            {
              ttlMs: TTL * 1000,
              inactiveTtlMs: 5000,
              diagnose,
              timeoutMs: 3000,
              staleIfErrorMs: STALE_IF_ERROR * 1000,
              refreshAhead,
              beginMiss,
              revocations: undefined,
              clock,
              store: createMemoryStore(10),
            },
          );
          for (const step of sequence) {
            if (step === 'forget') {
              cache.forget(TOKEN.digest);
              clearedAt = clock.monotonic();
            } else if ('wait' in step) clock.advance(step.wait);
            else if ('mode' in step) ({ mode, exp } = step);
            else {
              const notBefore = step.maxAge === undefined ? ANY_AGE : clock.monotonic() - step.maxAge * 1000;
              const clearedBefore = clearedAt;
              let record: TokenRecord;
              try {
                record = await cache.lookup(TOKEN, since(clock, notBefore));
              } catch (error) {
                expect((error as IntrospectionError).code).toBe(mode);
                continue;
              }
              await new Promise((resolve) => setImmediate(resolve));
              if (!record.active) continue;
              const age = (clock.monotonic() - record.askedMonotonic) / 1000;
              if (age > 0) expect(record.claims.exp ?? Number.POSITIVE_INFINITY).toBeGreaterThan(clock.seconds());
              expect(record.askedMonotonic).toBeGreaterThanOrEqual(Math.max(notBefore, clearedBefore));
              if (record.stale) {
                stale++;
                expect(age).toBeLessThan(STALE_IF_ERROR);
                expect([notBefore, OUTAGES.includes(mode as IntrospectionErrorCode)]).toEqual([ANY_AGE, true]);
              } else expect(age).toBeLessThan(TTL);
            }
          }
        }),
        { numRuns: 300 },
      );
      expect(stale).toBeGreaterThan(50);
    },
  );
});
