import fc from 'fast-check';
import { withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/core/errors.js';
import { ANY_AGE, type TokenRecord } from '../../lib/core/lookup.js';
import { createClock, since } from '../support/clock.js';
import { diagnose } from '../support/outages.js';
import { activeRecord, bearerCredentials, inactiveRecord } from '../support/records.js';

const TTL = 60;
const BOUND = 200;
const QUESTION = bearerCredentials();
const TROUBLE: readonly IntrospectionErrorCode[] = [
  'timeout',
  'unreachable',
  'server_error',
  'rate_limited',
  'circuit_open',
];

type Mood = 'good' | 'inactive' | IntrospectionErrorCode;

type Step =
  | { readonly wait: number }
  | { readonly mood: Mood; readonly exp: number | undefined }
  | { readonly maxAge: number | undefined }
  | 'forget';

const moods: fc.Arbitrary<Mood> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Mood>('good') },
  { weight: 1, arbitrary: fc.constant<Mood>('inactive') },
  { weight: 4, arbitrary: fc.constantFrom<Mood>(...TROUBLE) },
  { weight: 1, arbitrary: fc.constantFrom<Mood>('client_rejected', 'bad_response', 'credentials_unavailable') },
);

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(
    { weight: 4, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 90 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({ mood: moods, exp: fc.option(fc.integer({ min: 0, max: 250 }), { nil: undefined }) }),
    },
    {
      weight: 8,
      arbitrary: fc.record({ maxAge: fc.oneof(fc.constant(undefined), fc.constant(undefined), fc.nat(250)) }),
    },
    { weight: 1, arbitrary: fc.constant('forget') },
  ),
  { maxLength: 60, size: 'max' },
);

describe('whatever happens to a token and its endpoint', () => {
  it.each([false, true])('an old answer is used only where it may be (early refresh: %p)', async (refreshAhead) => {
    let stale = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const clock = createClock();
        let mood: Mood = 'good';
        let exp: number | undefined;
        /** When the endpoint last said what no older answer survives, or the app had it forgotten. */
        let cleared = Number.NEGATIVE_INFINITY;
        const cache = withMemoryCache(
          async () => {
            const now = { askedAt: clock.now(), askedMonotonic: clock.monotonic() };
            if (mood === 'good') return activeRecord(exp === undefined ? {} : { exp: clock.seconds() + exp }, now);
            if (mood !== 'inactive') throw new IntrospectionError(mood);
            cleared = clock.monotonic();
            return inactiveRecord(now);
          },
          {
            ttlMs: TTL * 1000,
            inactiveTtlMs: 5000,
            diagnose,
            timeoutMs: 3000,
            staleIfErrorMs: BOUND * 1000,
            refreshAhead,
            revocations: undefined,
            clock,
            store: createMemoryStore(10),
          },
        );
        for (const step of given) {
          if (step === 'forget') {
            cache.forget(QUESTION.digest);
            cleared = clock.monotonic();
          } else if ('wait' in step) clock.advance(step.wait);
          else if ('mood' in step) ({ mood, exp } = step);
          else {
            const notBefore = step.maxAge === undefined ? ANY_AGE : clock.monotonic() - step.maxAge * 1000;
            const clearedBefore = cleared;
            let record: TokenRecord;
            try {
              record = await cache.lookup(QUESTION, since(clock, notBefore));
            } catch (error) {
              expect((error as IntrospectionError).code).toBe(mood);
              continue;
            }
            await new Promise((resolve) => setImmediate(resolve));
            if (!record.active) continue;
            const age = (clock.monotonic() - record.askedMonotonic) / 1000;
            if (age > 0) expect(record.claims.exp ?? Number.POSITIVE_INFINITY).toBeGreaterThan(clock.seconds());
            expect(record.askedMonotonic).toBeGreaterThanOrEqual(Math.max(notBefore, clearedBefore));
            if (record.stale) {
              stale++;
              expect(age).toBeLessThan(BOUND);
              expect([notBefore, TROUBLE.includes(mood as IntrospectionErrorCode)]).toEqual([ANY_AGE, true]);
            } else expect(age).toBeLessThan(TTL);
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(stale).toBeGreaterThan(50);
  });
});
