import { createStoreBackoff } from '../../../lib/cache/shared/store-backoff.js';
import { createClock, type FakeClock } from '../../support/clock.js';
import { createDeferred } from '../../support/deferred.js';

const states: string[] = [];

beforeEach(() => void states.splice(0));

function createBackoff(clock: FakeClock) {
  return createStoreBackoff(clock, (isFailing) => states.push(isFailing ? 'failing' : 'ok'));
}

const fail = async (): Promise<string> => {
  throw new Error('no connection');
};
const succeed = async () => 'result';

describe('createStoreBackoff', () => {
  it('runs commands concurrently and reports nothing while they succeed', async () => {
    const backoff = createBackoff(createClock());
    expect(await Promise.all([backoff.run(succeed), backoff.run(succeed)])).toEqual(['result', 'result']);
    expect(states).toEqual([]);
  });

  it('pauses for 0.5 seconds after a failure, and doubles the pause after each failed probe, up to 10 seconds', async () => {
    const clock = createClock();
    const backoff = createBackoff(clock);
    await backoff.run(fail);
    for (const seconds of [0.5, 1, 2, 4, 8, 10, 10]) {
      clock.advance(seconds - 0.001);
      expect(await backoff.run(succeed)).toBeUndefined();
      clock.advance(0.001);
      let probes = 0;
      const probe = () => {
        probes++;
        return fail();
      };
      expect(await backoff.run(probe)).toBeUndefined();
      expect([seconds, probes]).toEqual([seconds, 1]);
    }
    expect(states).toEqual(['failing']);
  });

  it('recovers when a probe succeeds, and starts with the shortest pause after the next failure', async () => {
    const clock = createClock();
    const backoff = createBackoff(clock);
    await backoff.run(fail);
    clock.advance(0.5);
    await backoff.run(fail);
    clock.advance(1);
    expect(await backoff.run(succeed)).toBe('result');
    expect(await backoff.run(succeed)).toBe('result');
    expect(states).toEqual(['failing', 'ok']);
    await backoff.run(fail);
    clock.advance(0.5);
    expect(await backoff.run(succeed)).toBe('result');
    expect(states).toEqual(['failing', 'ok', 'failing', 'ok']);
  });

  it('sends one probe at a time, and skips other commands meanwhile', async () => {
    const clock = createClock();
    const backoff = createBackoff(clock);
    await backoff.run(fail);
    clock.advance(1);
    const reply = createDeferred<string>();
    const probe = backoff.run(() => reply.promise);
    expect(await backoff.run(succeed)).toBeUndefined();
    reply.resolve('result');
    expect(await probe).toBe('result');
    expect(await backoff.run(succeed)).toBe('result');
  });

  it('sends one probe at a time, even if a command ends meanwhile that began before the failure', async () => {
    const clock = createClock();
    const backoff = createBackoff(clock);
    const [earlyReply, probeReply] = [createDeferred<string>(), createDeferred<string>()];
    const early = backoff.run(() => earlyReply.promise);
    await backoff.run(fail);
    clock.advance(0.5);
    const probe = backoff.run(() => probeReply.promise);
    earlyReply.resolve('early');
    expect(await early).toBe('early');
    expect(await backoff.run(succeed)).toBeUndefined();
    probeReply.resolve('result');
    expect(await probe).toBe('result');
  });

  it('counts commands that fail at the same time as one failure', async () => {
    const clock = createClock();
    const backoff = createBackoff(clock);
    await Promise.all([...Array(10)].map(() => backoff.run(fail)));
    clock.advance(0.5);
    expect(await backoff.run(succeed)).toBe('result');
    expect(states).toEqual(['failing', 'ok']);
  });

  it('treats a synchronous throw as a failure', async () => {
    const backoff = createBackoff(createClock());
    await backoff.run(() => {
      throw new Error('at once');
    });
    expect(states).toEqual(['failing']);
    expect(await backoff.run(succeed)).toBeUndefined();
  });

  it('does not recover when a command succeeds that began before the failure', async () => {
    const backoff = createBackoff(createClock());
    const reply = createDeferred<string>();
    const early = backoff.run(() => reply.promise);
    await backoff.run(fail);
    reply.resolve('result');
    expect(await early).toBe('result');
    expect(await backoff.run(succeed)).toBeUndefined();
  });
});
