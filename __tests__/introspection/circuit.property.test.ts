import fc from 'fast-check';
import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/errors.js';
import { createCircuit } from '../../lib/introspection/circuit.js';
import { createClock } from '../support/clock.js';

type Answer = 'answer' | IntrospectionErrorCode;

type Step = { readonly wait: number } | { readonly token: number; readonly answer: Answer };

const LIFE: readonly Answer[] = ['answer', 'bad_response', 'client_rejected'];
const TROUBLE: readonly Answer[] = ['timeout', 'unreachable', 'server_error'];

/** Outages most of the time, so that it opens. */
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.record({ wait: fc.nat({ max: 20_000 }) }) },
    {
      weight: 5,
      arbitrary: fc.record({
        token: fc.nat({ max: 7 }),
        answer: fc.oneof(
          { weight: 8, arbitrary: fc.constantFrom(...TROUBLE) },
          { weight: 1, arbitrary: fc.constantFrom<Answer>(...LIFE, 'rate_limited', 'credentials_unavailable') },
        ),
      }),
    },
  ),
  { maxLength: 80, size: 'max' },
);

/** What it should do, put as plainly as it can be: by looking back at everything that was asked. */
function createModel() {
  let openUntil: number | undefined;
  let pause = 1000;
  let history: { token: number; answer: Answer }[] = [];
  return {
    refuses: (now: number) => openUntil !== undefined && now < openUntil,
    learn(now: number, token: number, answer: Answer) {
      history.push({ token, answer });
      const isProbe = openUntil !== undefined;
      const since = history.slice(history.findLastIndex((each) => LIFE.includes(each.answer)) + 1);
      const troubled = new Set(
        since.filter((each) => each.answer !== 'credentials_unavailable').map((each) => each.token),
      );
      if (LIFE.includes(answer)) {
        if (isProbe) pause = 1000;
        openUntil = undefined;
      } else if (isProbe || answer === 'rate_limited' || troubled.size >= 5) {
        openUntil = now + pause;
        pause = Math.min(pause * 2, 30_000);
        history = [];
      }
    },
  };
}

describe('whatever happens one after another', () => {
  it('the circuit breaker asks when the model would, and refuses when it would', async () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    let refusals = 0;
    let answers = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const clock = createClock();
        const circuit = createCircuit(clock, 0);
        const model = createModel();
        for (const step of given) {
          if ('wait' in step) {
            clock.advance(step.wait / 1000);
            continue;
          }
          const { token, answer } = step;
          const refuses = model.refuses(clock.monotonic());
          if (refuses) refusals++;
          else answers++;
          const outcome = await circuit
            .run(String(token), async () => {
              if (answer !== 'answer') throw new IntrospectionError(answer);
              return answer;
            })
            .catch((error: IntrospectionError) => error.code);
          expect(outcome).toBe(refuses ? 'circuit_open' : answer);
          if (!refuses) model.learn(clock.monotonic(), token, answer);
        }
      }),
      { numRuns: 500 },
    );
    random.mockRestore();
    expect(Math.min(refusals, answers)).toBeGreaterThan(500);
  });
});
