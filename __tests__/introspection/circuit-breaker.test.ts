import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/core/errors.js';
import { createCircuitBreaker } from '../../lib/introspection/circuit-breaker.js';
import { recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';

let draw = 0.5;

beforeEach(() => {
  draw = 0.5;
  jest.spyOn(Math, 'random').mockImplementation(() => draw);
});

afterEach(() => jest.restoreAllMocks());

function failure(code: IntrospectionErrorCode, retryAfterSeconds?: number, detail?: string): IntrospectionError {
  return new IntrospectionError(code, detail, retryAfterSeconds);
}

const REFUSED = () => failure('unreachable', undefined, 'ECONNREFUSED');

/**
 * A circuit breaker with its own clock. `ours` is the response of the endpoint about the breaker's own token. By default it fails
 * as for the last token of a client. The random number is 0.5, so that the first pause is one second.
 */
function create(timeoutMs = 0) {
  const clock = createClock();
  let asked = 0;
  let probes = 0;
  let last: unknown;
  const endpoint: { ours?: unknown } = {};
  const breaker = createCircuitBreaker({
    clock,
    timeoutMs,
    async probe() {
      probes++;
      const answer = 'ours' in endpoint ? await endpoint.ours : last;
      if (answer instanceof Error) throw answer;
    },
  });

  /** The outcome of a lookup for a token with this response. */
  async function ask(digest: string, answer: unknown = 'answer', isKnown = false): Promise<unknown> {
    try {
      return await breaker.run({ digest, isKnown }, async () => {
        asked++;
        last = answer;
        if (answer instanceof Error) throw answer;
        return answer;
      });
    } catch (error) {
      return error instanceof IntrospectionError ? error.code : error;
    }
  }

  async function fail(tokens: number, error: unknown = failure('timeout')): Promise<void> {
    for (let token = 0; token < tokens; token++) await ask(`token ${token}`, error);
  }

  /** The Retry-After seconds of a rejected lookup. */
  function told(): number | undefined {
    try {
      breaker.assertCallAllowed(false);
      return undefined;
    } catch (error) {
      return (error as IntrospectionError).retryAfterSeconds;
    }
  }

  return { ...breaker, clock, endpoint, ask, fail, told, asked: () => asked, probes: () => probes };
}

describe('the closed circuit breaker', () => {
  it.each<IntrospectionErrorCode>(['timeout', 'unreachable', 'server_error'])(
    'opens after %s for five tokens in a row, when the endpoint also fails for its own token',
    async (code) => {
      const { ask, fail, state, asked, probes } = create();
      await fail(4, failure(code));
      expect([state(), probes()]).toEqual(['closed', 0]);
      await ask('fifth', failure(code));
      expect([state(), probes()]).toEqual(['open', 1]);
      expect(await ask('another')).toBe('circuit_open');
      expect(asked()).toBe(5);
    },
  );

  it.each<[string, unknown]>([
    ['server_error', failure('server_error')],
    ['server_error with a time to come back', failure('server_error', 90)],
    ['rate_limited', failure('rate_limited', 120)],
    ['timeout', failure('timeout')],
    ['unreachable after the request was sent', failure('unreachable', undefined, 'UND_ERR_SOCKET')],
  ])('stays closed after %s for fifty tokens while the endpoint responds about its own token', async (_, error) => {
    const { ask, clock, endpoint, state, told } = create();
    endpoint.ours = 'answer';
    for (let token = 0; token < 50; token++) {
      await ask(`odd ${token}`, error);
      clock.advance(0.3);
    }
    expect([state(), told(), await ask('good')]).toEqual(['closed', undefined, 'answer']);
  });

  it.each<[string, unknown]>([
    ['nonsense', failure('bad_response')],
    ['a refusal of our credentials', failure('client_rejected')],
  ])('counts %s as a response about its own token', async (_, answer) => {
    const { endpoint, fail, state } = create();
    endpoint.ours = answer;
    await fail(5, failure('server_error'));
    expect(state()).toBe('closed');
  });

  it('asks about its own token at most once a second while the endpoint responds', async () => {
    const { clock, endpoint, fail, probes } = create();
    endpoint.ours = 'answer';
    await fail(50, failure('rate_limited', 120));
    expect(probes()).toBe(1);
    clock.advance(1);
    await fail(1, failure('rate_limited', 120));
    expect(probes()).toBe(2);
  });

  it('opens without a check when no connection was possible for five tokens', async () => {
    const { endpoint, fail, state, probes } = create();
    endpoint.ours = 'answer';
    await fail(5, REFUSED());
    expect([state(), probes()]).toEqual(['open', 0]);
  });

  it('stays closed when a client’s token gets a response during the check', async () => {
    const { ask, endpoint, fail, state } = create();
    const ours = createDeferred<unknown>();
    endpoint.ours = ours.promise;
    await fail(4, failure('server_error'));
    const fifth = ask('fifth', failure('server_error'));
    await ask('good');
    ours.resolve(failure('server_error'));
    await fifth;
    expect(state()).toBe('closed');
  });

  it('checks once when many tokens fail together', async () => {
    const { ask, endpoint, state, probes } = create();
    endpoint.ours = failure('timeout');
    await Promise.all(Array.from({ length: 40 }, (_, token) => ask(`token ${token}`, failure('timeout'))));
    expect([state(), probes()]).toEqual(['open', 1]);
  });

  it('opens when the endpoint does not respond soon about its own token after five timeouts', async () => {
    const { ask, endpoint, state } = create(10_000);
    endpoint.ours = new Promise(() => {});
    await Promise.all(Array.from({ length: 5 }, (_, token) => ask(`token ${token}`, failure('timeout'))));
    expect([state(), await ask('another')]).toEqual(['open', 'circuit_open']);
  });

  it('opens once when failed connections open it during the check', async () => {
    const { ask, endpoint, fail, told } = create();
    const ours = createDeferred<unknown>();
    endpoint.ours = ours.promise;
    await fail(4, failure('server_error'));
    const fifth = ask('fifth', failure('server_error'));
    await fail(5, REFUSED());
    expect(told()).toBe(1);
    ours.resolve(failure('server_error'));
    await fifth;
    expect(told()).toBe(1);
  });

  it('delays lookups during the check after five timeouts, and then runs them', async () => {
    const { ask, endpoint, state, asked } = create(60_000);
    const ours = createDeferred<unknown>();
    endpoint.ours = ours.promise;
    const now = jest.spyOn(performance, 'now');
    let elapsed = 0;
    now.mockImplementation(() => (elapsed += 60_000));
    const odd = Array.from({ length: 5 }, (_, token) => ask(`odd ${token}`, failure('timeout')));
    await new Promise((resolve) => setImmediate(resolve));
    const good = ask('good');
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked()).toBe(5);
    ours.resolve('answer');
    expect([await good, state()]).toEqual(['answer', 'closed']);
    await Promise.all(odd);
  });

  it('adds up outages of different kinds', async () => {
    const { ask, state } = create();
    const codes: IntrospectionErrorCode[] = ['timeout', 'unreachable', 'server_error', 'timeout', 'unreachable'];
    for (const [index, code] of codes.entries()) await ask(String(index), failure(code));
    expect(state()).toBe('open');
  });

  it('does not check after failures for fewer than five tokens', async () => {
    const { fail, state, probes } = create();
    for (let round = 0; round < 50; round++) await fail(4);
    expect([state(), probes()]).toEqual(['closed', 0]);
  });

  it('ignores a timeout after less than nine tenths of the deadline while other lookups get responses', async () => {
    const { ask, clock, fail, state, probes } = create(60_000);
    await ask('good');
    clock.advance(59);
    await fail(10, failure('timeout'));
    expect([state(), probes()]).toEqual(['closed', 0]);
    clock.advance(1);
    await fail(5, failure('timeout'));
    expect(state()).toBe('open');
  });

  it.each([
    ['open', 'nine tenths', 54_000],
    ['closed', 'less than nine tenths', 53_999],
  ] as const)('is %s after a response, and then timeouts after %s of the deadline', async (expected, _, elapsedMs) => {
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const { run, ask, endpoint, state } = create(60_000);
    await ask('good');
    endpoint.ours = failure('server_error');
    for (let token = 0; token < 5; token++) {
      const lookup = async () => {
        now += elapsedMs;
        throw failure('timeout');
      };
      await run({ digest: `token ${token}`, isKnown: false }, lookup).catch(() => {});
    }
    expect(state()).toBe(expected);
  });

  it('counts from zero after a response', async () => {
    const { ask, fail, state, probes } = create();
    await fail(4);
    await ask('x');
    await fail(4);
    expect([state(), probes()]).toEqual(['closed', 0]);
    await ask('fifth', failure('timeout'));
    expect(state()).toBe('open');
  });

  it('counts failed connections from zero after a response', async () => {
    const { ask, fail, state } = create();
    await fail(4, REFUSED());
    await ask('x');
    await ask('fifth', REFUSED());
    expect(state()).toBe('closed');
    await fail(4, REFUSED());
    expect(state()).toBe('open');
  });

  it('counts failed connections separately from other failures', async () => {
    const { ask, endpoint, fail, state } = create();
    endpoint.ours = 'answer';
    await fail(4, failure('server_error'));
    await ask('fifth', REFUSED());
    expect(state()).toBe('closed');
  });

  it('does not open when its check fails because of this process', async () => {
    const { endpoint, fail, state } = create();
    endpoint.ours = failure('credentials_unavailable');
    await fail(5, failure('server_error'));
    expect(state()).toBe('closed');
  });

  it.each<[string, unknown]>([
    ['credentials that cannot be had', failure('credentials_unavailable')],
    ['metadata that cannot be found', failure('discovery_failed')],
    ['a wait in our own queue', failure('overloaded')],
    ['a reply that makes no sense', failure('bad_response')],
    ['a refusal of our credentials', failure('client_rejected')],
    ['an error of another kind', new Error('other')],
  ])('ignores %s', async (_, answer) => {
    const { ask, fail, state } = create();
    for (let token = 0; token < 10; token++) await ask(`x${token}`, answer);
    expect(state()).toBe('closed');
    await fail(4);
    await ask('x', answer);
    await ask('fifth', failure('timeout'));
    expect(state()).toBe('open');
  });

  it.each<[string, IntrospectionError, number]>([
    ['responds 429 with Retry-After', failure('rate_limited', 7), 7],
    ['responds 429 without Retry-After', failure('rate_limited'), 1],
    ['responds 503 with Retry-After', failure('server_error', 90), 90],
  ])(
    'opens after one token when the endpoint %s about its own token too, for the requested time',
    async (_, answer, seconds) => {
      const { ask, clock, endpoint, told } = create();
      await ask('one', answer);
      expect(told()).toBe(seconds);
      clock.advance(seconds - 0.001);
      expect(await ask('two')).toBe('circuit_open');
      clock.advance(0.001);
      endpoint.ours = 'answer';
      expect(await ask('two')).toBe('answer');
    },
  );

  it('does not check after one token when the endpoint fails without Retry-After', async () => {
    const { ask, state, probes } = create();
    await ask('one', failure('server_error', 1));
    expect([state(), probes()]).toEqual(['closed', 0]);
  });

  it('never retries sooner than the endpoint requested, with any jitter', async () => {
    draw = 0;
    const { ask, clock } = create();
    await ask('one', failure('rate_limited', 1));
    clock.advance(0.999);
    expect(await ask('two')).toBe('circuit_open');
  });
});

describe('the open circuit breaker', () => {
  it('reports the seconds that are left, rounded up', async () => {
    const { ask, clock, told } = create();
    await ask('one', failure('rate_limited', 30));
    for (const [passed, left] of [
      [0, 30],
      [0.5, 30],
      [0.5, 29],
      [28.9, 1],
    ] as const) {
      clock.advance(passed);
      expect(told()).toBe(left);
    }
  });

  it.each([
    [0, 0.8],
    [0.5, 1],
    [0.999_999, 1.2],
  ])('pauses for one second with a jitter of 20 percent: with a random number of %d for %d', async (drawn, seconds) => {
    draw = drawn;
    const { ask, clock, endpoint, fail } = create();
    await fail(5);
    endpoint.ours = 'answer';
    clock.advance(seconds - 0.01);
    expect(await ask('x')).toBe('circuit_open');
    clock.advance(0.01);
    expect(await ask('x')).toBe('answer');
  });

  it('ignores tokens of clients, so that they cannot lengthen the pause', async () => {
    const { ask, clock, endpoint, fail, asked, state, told } = create();
    await fail(5);
    clock.advance(1);
    endpoint.ours = 'answer';
    expect(await ask('odd', failure('server_error'))).toBe('server_error');
    expect([state(), told(), asked()]).toEqual(['closed', undefined, 6]);
  });

  it('doubles the pause after each failed probe, up to 30 seconds, and throws the failure', async () => {
    const { ask, clock, fail, told, asked } = create();
    await fail(5);
    const pauses: unknown[] = [];
    for (let probe = 0; probe < 8; probe++) {
      const pause = told();
      pauses.push(pause);
      clock.advance(pause ?? 0);
      expect(await ask('x', failure('timeout'))).toBe('timeout');
    }
    expect([pauses, asked()]).toEqual([[1, 2, 4, 8, 16, 30, 30, 30], 13]);
  });

  it('stays open for longer when the response to its probe requests a longer pause', async () => {
    const { ask, clock, endpoint, fail, told } = create();
    await fail(5);
    clock.advance(1);
    endpoint.ours = failure('rate_limited', 100);
    await ask('x');
    expect(told()).toBe(100);
  });

  it.each<[string, unknown]>([
    ['an answer', 'answer'],
    ['nonsense', failure('bad_response')],
    ['a refusal of our credentials', failure('client_rejected')],
  ])('closes when its probe gets %s, and starts with short pauses again', async (_, answer) => {
    const { ask, clock, endpoint, fail, told, state } = create();
    await fail(5);
    clock.advance(1);
    await ask('x', failure('timeout'));
    clock.advance(2);
    endpoint.ours = answer;
    await ask('x');
    expect(state()).toBe('closed');
    endpoint.ours = failure('timeout');
    await fail(4);
    expect(state()).toBe('closed');
    await ask('fifth', failure('timeout'));
    expect(told()).toBe(1);
  });

  it.each<[string, unknown]>([
    ['has no credentials', failure('credentials_unavailable')],
    ['finds no metadata', failure('discovery_failed')],
    ['fails in another way', new Error('other')],
  ])('stays open after a probe that %s, and throws its error', async (_, answer) => {
    const { ask, clock, endpoint, fail, state } = create();
    await fail(5);
    clock.advance(1);
    endpoint.ours = answer;
    expect(await ask('x')).toEqual(answer instanceof IntrospectionError ? answer.code : answer);
    expect(state()).toBe('open');
  });

  it('rejects other lookups while its probe runs', async () => {
    const { ask, clock, endpoint, fail, told, state, asked } = create();
    await fail(5);
    clock.advance(1);
    const ours = createDeferred<string>();
    endpoint.ours = ours.promise;
    const first = ask('first');
    expect(state()).toBe('half_open');
    expect([await ask('first'), await ask('x'), told(), asked()]).toEqual(['circuit_open', 'circuit_open', 1, 5]);
    ours.resolve('answer');
    expect(await first).toBe('answer');
    expect(await ask('x')).toBe('answer');
  });

  it('ignores the outcomes of lookups that began before it opened', async () => {
    const { run, ask, clock, endpoint, fail, told, state } = create();
    const late = Array.from({ length: 20 }, () => createDeferred<string>());
    const runs = late.map(({ promise }, index) =>
      run({ digest: `late ${index}`, isKnown: false }, () => promise).catch(() => 'failed'),
    );
    await fail(5);
    late[0]?.resolve('answer');
    late[1]?.reject(failure('bad_response'));
    late[2]?.reject(failure('rate_limited', 30));
    for (const { reject } of late.slice(3)) reject(failure('timeout'));
    await Promise.all(runs);
    expect([state(), told()]).toEqual(['open', 1]);
    clock.advance(1);
    endpoint.ours = 'answer';
    expect(await ask('x')).toBe('answer');
    await fail(4);
    expect(state()).toBe('closed');
  });

  it('does not open again after it closed, because of lookups from before it opened', async () => {
    const { run, ask, clock, endpoint, fail, state } = create();
    const late = Array.from({ length: 5 }, () => createDeferred<string>());
    const runs = late.map(({ promise }, index) =>
      run({ digest: `late ${index}`, isKnown: false }, () => promise).catch(() => 'failed'),
    );
    await fail(5);
    clock.advance(1);
    endpoint.ours = 'answer';
    expect(await ask('probe')).toBe('answer');
    for (const { reject } of late) reject(failure('timeout'));
    await Promise.all(runs);
    expect(state()).toBe('closed');
  });

  it('does not forget later failures because of a lookup from before it opened', async () => {
    const { run, ask, clock, endpoint, fail, state } = create();
    const late = createDeferred<string>();
    const slow = run({ digest: 'late', isKnown: false }, () => late.promise);
    await fail(5);
    clock.advance(1);
    endpoint.ours = 'answer';
    await ask('probe');
    endpoint.ours = failure('timeout');
    await fail(4);
    late.resolve('answer');
    await slow;
    await ask('fifth', failure('timeout'));
    expect(state()).toBe('open');
  });

  it('uses the monotonic clock', async () => {
    const { ask, clock, endpoint, fail } = create();
    await fail(5);
    endpoint.ours = 'answer';
    clock.step(3600);
    expect(await ask('x')).toBe('circuit_open');
    clock.step(-7200);
    clock.advance(1);
    expect(await ask('x')).toBe('answer');
  });
});

describe('an endpoint that fails for every unknown token', () => {
  const FAILURES: [string, IntrospectionError][] = [
    ['500', failure('server_error')],
    ['nothing', failure('timeout')],
    ['a closed connection', failure('unreachable', undefined, 'UND_ERR_SOCKET')],
  ];

  it.each(FAILURES)(
    'with %s closes the breaker when it responds about a real token after the pause',
    async (_, error) => {
      const { ask, clock, endpoint, fail, state } = create();
      endpoint.ours = error;
      await fail(5, error);
      expect(state()).toBe('open');
      clock.advance(1);
      expect(await ask('good')).toBe('answer');
      expect(state()).toBe('closed');
      clock.advance(9);
      await fail(50, error);
      expect([state(), await ask('good')]).toEqual(['closed', 'answer']);
    },
  );

  it.each(FAILURES)(
    'with %s closes the breaker when it responds about a known token after a failed probe',
    async (_, error) => {
      const { ask, clock, endpoint, fail, state } = create();
      endpoint.ours = error;
      await fail(5, error);
      clock.advance(1);
      await ask('odd', error);
      expect(await ask('unknown')).toBe('circuit_open');
      expect([await ask('known', 'answer', true), state()]).toEqual(['answer', 'closed']);
    },
  );

  it('opens the breaker after ten seconds without a response about a real token', async () => {
    const { ask, clock, endpoint, fail, state } = create();
    endpoint.ours = failure('server_error');
    await fail(5, failure('server_error'));
    clock.advance(1);
    await ask('good');
    clock.advance(10);
    await fail(5, failure('server_error'));
    expect(state()).toBe('open');
  });

  it('is trusted again after a response about the breaker’s own token', async () => {
    const { ask, clock, endpoint, fail, state } = create();
    endpoint.ours = failure('server_error');
    await fail(5, failure('server_error'));
    clock.advance(1);
    await ask('good');
    endpoint.ours = 'answer';
    await fail(5, failure('server_error'));
    endpoint.ours = failure('server_error');
    clock.advance(1);
    await fail(5, failure('server_error'));
    expect(state()).toBe('open');
  });

  it('is asked about the breaker’s own token again at once, because the outage may have ended after the failed probe', async () => {
    const { ask, clock, endpoint, fail, probes, state } = create();
    endpoint.ours = failure('server_error');
    await fail(5, failure('server_error'));
    clock.advance(1);
    await ask('odd', failure('server_error'));
    endpoint.ours = 'answer';
    expect([await ask('known', 'answer', true), state(), probes()]).toEqual(['answer', 'closed', 3]);
    endpoint.ours = failure('server_error');
    await fail(5, failure('server_error'));
    expect(state()).toBe('open');
  });

  it('does not close the breaker when the lookup of the real token fails too', async () => {
    const { ask, clock, endpoint, fail, told } = create();
    endpoint.ours = failure('server_error');
    await fail(5, failure('server_error'));
    clock.advance(1);
    expect(await ask('odd', failure('server_error'))).toBe('server_error');
    expect(told()).toBe(2);
  });

  it('is asked about one known token after each failed probe, and about no other until the next probe', async () => {
    const { ask, asked, clock, fail } = create();
    await fail(5, failure('timeout'));
    expect(await ask('known', failure('timeout'), true)).toBe('circuit_open');
    clock.advance(1);
    expect(await ask('odd', failure('timeout'))).toBe('timeout');
    expect(await ask('known', failure('timeout'), true)).toBe('timeout');
    expect(await ask('another', failure('timeout'), true)).toBe('circuit_open');
    expect(asked()).toBe(7);
  });

  it('is not asked about a known token when it cannot be reached', async () => {
    const { ask, clock, endpoint, fail, asked } = create();
    await fail(5, REFUSED());
    endpoint.ours = REFUSED();
    expect(await ask('known', 'answer', true)).toBe('circuit_open');
    clock.advance(1);
    expect(await ask('known', 'answer', true)).toBe('unreachable');
    expect(asked()).toBe(5);
  });

  it('is not asked about an unknown token during a pause that it requested', async () => {
    const { ask, clock, endpoint, fail, asked } = create();
    await fail(1, failure('rate_limited', 2));
    endpoint.ours = failure('rate_limited', 5);
    clock.advance(2);
    expect(await ask('unknown')).toBe('rate_limited');
    expect(asked()).toBe(1);
  });

  it('does not close a breaker that has opened again during the lookup of the real token', async () => {
    const { run, clock, endpoint, fail, ask, state } = create();
    await fail(5, failure('server_error'));
    clock.advance(1);
    await ask('odd', failure('server_error'));
    const late = createDeferred<string>();
    const slow = run({ digest: 'known', isKnown: true }, () => late.promise);
    clock.advance(2);
    endpoint.ours = failure('rate_limited', 120);
    await ask('x');
    late.resolve('answer');
    expect([await slow, state()]).toEqual(['answer', 'open']);
  });
});

describe('diagnose', () => {
  const CODES = ['timeout', 'unreachable', 'server_error', 'rate_limited'] as const;

  it.each(CODES)(
    'returns down after %s when the endpoint fails for our token too, and does not open the breaker',
    async (code) => {
      const { diagnose, endpoint, state } = create();
      endpoint.ours = failure(code);
      expect([await diagnose(failure(code)), state()]).toEqual(['down', 'closed']);
    },
  );

  it.each(CODES)(
    'returns up after %s when the endpoint responds about our token, and checks once a second',
    async (code) => {
      const { clock, diagnose, endpoint, state, probes } = create();
      endpoint.ours = 'answer';
      expect([await diagnose(failure(code)), await diagnose(failure(code))]).toEqual(['up', 'unknown']);
      expect([state(), probes()]).toEqual(['closed', 1]);
      clock.advance(1);
      expect(await diagnose(failure(code))).toBe('up');
    },
  );

  it('returns down without a check when no connection was possible, and while the breaker is open', async () => {
    const { diagnose, endpoint, fail, probes } = create();
    endpoint.ours = 'answer';
    expect(await diagnose(REFUSED())).toBe('down');
    expect(await diagnose(failure('circuit_open'))).toBe('down');
    await fail(5, REFUSED());
    expect([await diagnose(failure('server_error')), probes()]).toEqual(['down', 0]);
  });

  it.each(['overloaded', 'bad_response', 'client_rejected', 'closed'] as const)(
    'returns unknown after %s',
    async (code) => {
      const { diagnose, probes } = create();
      expect([await diagnose(failure(code)), probes()]).toEqual(['unknown', 0]);
    },
  );
});

describe('the circuit diagnostics channel', () => {
  it('publishes each change of state, with its reason and duration', async () => {
    const events = recordEvents('circuit');
    const { ask, clock, endpoint, fail } = create();
    await ask('x');
    await fail(5, REFUSED());
    endpoint.ours = failure('server_error');
    await ask('x');
    clock.advance(1);
    await ask('x', failure('server_error'));
    clock.advance(2);
    endpoint.ours = 'answer';
    await ask('x');
    await ask('y');
    endpoint.ours = failure('rate_limited', 5);
    await ask('z', failure('rate_limited', 5));
    expect(events).toStrictEqual([
      { state: 'open', reason: 'unreachable', retryAfterSeconds: 1 },
      { state: 'half_open' },
      { state: 'open', reason: 'server_error', retryAfterSeconds: 2 },
      { state: 'half_open' },
      { state: 'closed' },
      { state: 'open', reason: 'rate_limited', retryAfterSeconds: 5 },
    ]);
  });

  it('publishes once that it closed when a known token gets a response during its probe', async () => {
    const { ask, clock, endpoint, fail } = create();
    await fail(5, failure('server_error'));
    clock.advance(1);
    await ask('odd', failure('server_error'));
    clock.advance(2);
    const ours = createDeferred<string>();
    endpoint.ours = ours.promise;
    const events = recordEvents('circuit');
    const first = ask('first');
    expect(await ask('known', 'answer', true)).toBe('answer');
    ours.resolve('answer');
    expect(await first).toBe('answer');
    expect(events).toStrictEqual([{ state: 'half_open' }, { state: 'closed' }]);
  });

  it('publishes tokensToBlame when the endpoint responds about the breaker’s own token', async () => {
    const events = recordEvents('circuit');
    const { endpoint, fail } = create();
    endpoint.ours = 'answer';
    await fail(5, failure('server_error'));
    expect(events).toStrictEqual([{ state: 'closed', reason: 'server_error', tokensToBlame: true }]);
  });

  it('publishes nothing when the endpoint only responds about a token of a client during the check', async () => {
    const events = recordEvents('circuit');
    const { ask, endpoint, fail } = create();
    const ours = createDeferred<unknown>();
    endpoint.ours = ours.promise;
    await fail(4, failure('server_error'));
    const fifth = ask('fifth', failure('server_error'));
    await ask('good');
    ours.resolve(failure('server_error'));
    await fifth;
    expect(events).toEqual([]);
  });

  it('publishes no reason when a probe failed with an unknown error', async () => {
    const events = recordEvents('circuit');
    const { ask, clock, endpoint, fail } = create();
    await fail(5);
    clock.advance(1);
    endpoint.ours = new Error('other');
    await ask('x');
    expect(events.at(-1)).toStrictEqual({ state: 'open', retryAfterSeconds: 2 });
  });
});
