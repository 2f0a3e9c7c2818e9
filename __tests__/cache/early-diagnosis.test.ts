import { diagnoseEarly, type EndpointState } from '../../lib/cache/early-diagnosis.js';
import { IntrospectionError } from '../../lib/core/errors.js';
import type { TokenRecord } from '../../lib/core/lookup.js';
import { createDeferred } from '../support/deferred.js';
import { activeRecord } from '../support/records.js';
import { until } from '../support/until.js';

const lookups: ReturnType<typeof createDeferred<TokenRecord>>[] = [];
/** A lookup that ends with the test. */
function pending() {
  const lookup = createDeferred<TokenRecord>();
  lookups.push(lookup);
  return lookup;
}
afterEach(() => {
  for (const lookup of lookups.splice(0)) lookup.resolve(activeRecord());
});

/** A diagnosis that does not end, of a request that has 1 millisecond left. */
function start(afterMs: number) {
  const started = createDeferred<void>();
  const diagnose = diagnoseEarly(pending().promise, {
    afterMs,
    timeLeftMs: () => 1,
    diagnose: () => {
      started.resolve();
      return new Promise<EndpointState>(() => {});
    },
  });
  return { diagnose, started: started.promise };
}

const failure = new IntrospectionError('server_error');
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('a diagnosis that has not ended at the time limit of the request', () => {
  it('tells nothing if it has just started', async () => {
    expect(await start(60_000).diagnose(failure)).toBe('unknown');
  });

  it('tells that the endpoint is down if it started early, because the endpoint has not responded since then', async () => {
    const { diagnose, started } = start(1);
    await started;
    expect(await diagnose(failure)).toBe('down');
  });
});

describe('the diagnosis of an error', () => {
  const TIMEOUT = new IntrospectionError('timeout');

  /** Starts a diagnosis whose results are set by the test, of a lookup that ends with the test. */
  function create(afterMs: number, lookup: Promise<TokenRecord> = pending().promise) {
    const errors: unknown[] = [];
    const states: (EndpointState | Error)[] = [];
    const diagnose = diagnoseEarly(lookup, {
      ...{ afterMs, timeLeftMs: () => 60_000 },
      async diagnose(error) {
        errors.push(error);
        const state = states[errors.length - 1] ?? 'unknown';
        if (state instanceof Error) throw state;
        return state;
      },
    });
    return { diagnose, errors, states };
  }

  it.each<EndpointState>(['up', 'unknown', 'down'])(
    'is that of the early diagnosis if the lookup timed out: %s',
    async (state) => {
      const { diagnose, errors, states } = create(1);
      states.push(state);
      await until(() => errors.length === 1);
      await nextTurn();
      expect(await diagnose(TIMEOUT)).toBe(state);
      expect(errors).toMatchObject([{ code: 'timeout' }]);
    },
  );

  it.each([
    ['the early diagnosis has not started', 60_000, TIMEOUT],
    ['the lookup failed in another way', 1, failure],
    ['the error is of another kind', 1, Object.assign(new Error('other'), { code: 'timeout' })],
  ])('is made if %s', async (_name, afterMs, error) => {
    const { diagnose, errors, states } = create(afterMs);
    if (afterMs === 1) {
      states.push('down');
      await until(() => errors.length === 1);
    }
    states.push('up');
    expect(await diagnose(error)).toBe('up');
    expect(errors.at(-1)).toBe(error);
  });

  it('fails if it cannot be made', async () => {
    const { diagnose, states } = create(60_000);
    states.push(new Error('no'));
    await expect(diagnose(failure)).rejects.toThrow('no');
  });

  it.each<[string, () => Promise<TokenRecord>]>([
    ['ended', async () => activeRecord()],
    ['failed', () => Promise.reject(failure)],
  ])('does not start early when the lookup has %s', async (_name, lookUp) => {
    const { errors } = create(5, lookUp());
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(errors).toEqual([]);
  });

  it('leaves no timer', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const response = createDeferred<TokenRecord>();
    const { diagnose } = create(60_000, response.promise);
    expect(timers()).toBe(before + 1);
    response.reject(failure);
    await diagnose(failure);
    await nextTurn();
    expect(timers()).toBe(before);
  });
});
