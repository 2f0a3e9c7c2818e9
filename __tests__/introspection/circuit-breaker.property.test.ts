import fc from 'fast-check';
import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/core/errors.js';
import { createCircuitBreaker } from '../../lib/introspection/circuit-breaker.js';
import { createClock } from '../support/clock.js';

type Answer = 'answer' | IntrospectionErrorCode;

/** A wait in milliseconds, or a lookup with the responses of the endpoint about the token and about our own token. */
type Step = { readonly wait: number } | { readonly token: number; readonly answer: Answer; readonly ours: Answer };

const ALIVE: readonly Answer[] = ['answer', 'bad_response', 'client_rejected'];
const OUTAGES: readonly Answer[] = ['timeout', 'unreachable', 'server_error'];
const isAlive = (answer: Answer) => ALIVE.includes(answer);
const isOutage = (answer: Answer) => OUTAGES.includes(answer) || answer === 'rate_limited';

const answers = (ofTrouble: number) =>
  fc.oneof(
    { weight: ofTrouble, arbitrary: fc.constantFrom(...OUTAGES) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Answer>(...ALIVE, 'rate_limited', 'credentials_unavailable', 'overloaded'),
    },
  );

/** Mostly outages, so that the breaker opens. */
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.record({ wait: fc.nat({ max: 20_000 }) }) },
    { weight: 5, arbitrary: fc.record({ token: fc.nat({ max: 7 }), answer: answers(8), ours: answers(3) }) },
  ),
  { maxLength: 80, size: 'max' },
);

/** A simple model of the same rules. Returns the outcome of each lookup. */
function createModel() {
  let openUntil: number | undefined;
  let pause = 1000;
  let noCheckBefore = Number.NEGATIVE_INFINITY;
  let lastAnswer = Number.NEGATIVE_INFINITY;
  let isOursOdd = false;
  const failed = new Set<number>();

  function open(now: number): void {
    openUntil = now + pause;
    pause = Math.min(pause * 2, 30_000);
    failed.clear();
  }

  function close(): void {
    openUntil = undefined;
    pause = 1000;
  }

  function check(now: number, ours: Answer): void {
    if (now < noCheckBefore) return;
    if (isOutage(ours) && !(isOursOdd && now - lastAnswer < 10_000)) {
      open(now);
      return;
    }
    if (isAlive(ours)) isOursOdd = false;
    failed.clear();
    noCheckBefore = now + 1000;
  }

  function learn(now: number, token: number, answer: Answer, ours: Answer): void {
    if (answer === 'answer') {
      failed.clear();
      lastAnswer = now;
    }
    if (!isOutage(answer)) return;
    failed.add(token);
    if (failed.size >= 5 || answer === 'rate_limited') check(now, ours);
  }

  return (now: number, token: number, answer: Answer, ours: Answer): Answer => {
    if (openUntil !== undefined && now < openUntil) return 'circuit_open';
    if (openUntil !== undefined && !isAlive(ours)) {
      open(now);
      if (!isOutage(ours) || ours === 'rate_limited') return ours;
      if (answer === 'answer') {
        isOursOdd = true;
        lastAnswer = now;
        close();
      }
      return answer;
    }
    if (openUntil !== undefined) {
      isOursOdd = false;
      close();
    }
    learn(now, token, answer, ours);
    return answer;
  };
}

describe('createCircuitBreaker, for any sequence of events', () => {
  it('allows and rejects the same lookups as the model', async () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const seen = { circuit_open: 0, answer: 0, other: 0 };
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const clock = createClock();
        let ours: Answer = 'answer';
        const fail = async (answer: Answer) => {
          if (answer !== 'answer') throw new IntrospectionError(answer);
          return answer;
        };
        const breaker = createCircuitBreaker({ clock, timeoutMs: 0, probe: () => fail(ours) });
        const model = createModel();
        for (const step of given) {
          if ('wait' in step) {
            clock.advance(step.wait / 1000);
            continue;
          }
          ours = step.ours;
          const expected = model(clock.monotonic(), step.token, step.answer, ours);
          const run = async () => breaker.run({ digest: String(step.token), isKnown: false }, () => fail(step.answer));
          const outcome = await run().catch((error: IntrospectionError) => error.code);
          expect(outcome).toBe(expected);
          seen[outcome === 'circuit_open' || outcome === 'answer' ? outcome : 'other']++;
        }
      }),
      { numRuns: 1500 },
    );
    random.mockRestore();
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(100);
  });
});
