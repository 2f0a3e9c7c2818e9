import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/errors.js';
import { createCircuit } from '../../lib/introspection/circuit.js';
import { recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';

const OUTAGES: readonly IntrospectionErrorCode[] = ['timeout', 'unreachable', 'server_error'];

let draw = 0.5;

beforeEach(() => {
  draw = 0.5;
  jest.spyOn(Math, 'random').mockImplementation(() => draw);
});

afterEach(() => jest.restoreAllMocks());

function failure(code: IntrospectionErrorCode, retryAfterSeconds?: number): IntrospectionError {
  return new IntrospectionError(code, undefined, retryAfterSeconds);
}

/** A circuit breaker with a clock of its own; no draw is off, so that the first pause is a second. */
function create() {
  const clock = createClock();
  const circuit = createCircuit(clock, 0);
  let asked = 0;

  /** What comes of a question about a token that the endpoint answers like this. */
  async function ask(key: string, answer: unknown = 'answer'): Promise<unknown> {
    try {
      return await circuit.run(key, async () => {
        asked++;
        if (answer instanceof Error) throw answer;
        return answer;
      });
    } catch (error) {
      return error instanceof IntrospectionError ? error.code : error;
    }
  }

  async function fail(tokens: number, code: IntrospectionErrorCode = 'timeout'): Promise<void> {
    for (let token = 0; token < tokens; token++) await ask(`token ${token}`, failure(code));
  }

  /** How long a refusal says to wait. */
  async function told(): Promise<number | undefined> {
    const error: unknown = await circuit.run('x', async () => undefined).catch((thrown: unknown) => thrown);
    return (error as IntrospectionError | undefined)?.retryAfterSeconds;
  }

  return { ...circuit, clock, ask, fail, told, asked: () => asked };
}

describe('the circuit breaker', () => {
  it('does not count a question that was put with less than half of its deadline left', async () => {
    const circuit = createCircuit(createClock(), 60_000);
    for (let token = 0; token < 10; token++) {
      await circuit.run(`token ${token}`, () => Promise.reject(failure('timeout'))).catch(() => {});
    }
    expect(circuit.state()).toBe('closed');
    for (let token = 0; token < 5; token++) {
      await circuit.run(`token ${token}`, () => Promise.reject(failure('unreachable'))).catch(() => {});
    }
    expect(circuit.state()).toBe('open');
  });

  it('stays open for as long as an answer says that comes when it is open already', async () => {
    const { clock, fail, told, run } = create();
    let late: (error: unknown) => void = () => {};
    const answer = run('late', () => new Promise((_resolve, reject) => (late = reject))).catch(() => {});
    await fail(5);
    expect(await told()).toBe(1);
    late(failure('rate_limited', 30));
    await answer;
    expect(await told()).toBe(30);
    clock.advance(29.999);
    expect(await told()).toBe(1);
  });

  it.each(OUTAGES)('opens once %s has befallen five tokens in a row', async (code) => {
    const { ask, fail, state, asked } = create();
    await fail(4, code);
    expect(state()).toBe('closed');
    await ask('fifth', failure(code));
    expect(state()).toBe('open');
    expect(await ask('another')).toBe('circuit_open');
    expect(asked()).toBe(5);
  });

  it('counts different outages together', async () => {
    const { ask, state } = create();
    const codes: IntrospectionErrorCode[] = ['timeout', 'unreachable', 'server_error', 'timeout', 'unreachable'];
    for (const [index, code] of codes.entries()) await ask(String(index), failure(code));
    expect(state()).toBe('open');
  });

  it('is not opened by a few odd tokens, however often they fail', async () => {
    const { fail, state } = create();
    for (let round = 0; round < 50; round++) await fail(4);
    expect(state()).toBe('closed');
  });

  it.each<[string, unknown]>([
    ['an answer', 'answer'],
    ['a reply that makes no sense', failure('bad_response')],
    ['a refusal of our credentials', failure('client_rejected')],
  ])('takes %s for a sign of life, after which it counts anew', async (_, answer) => {
    const { ask, fail, state } = create();
    await fail(4);
    await ask('x', answer);
    await fail(4);
    expect(state()).toBe('closed');
    await ask('fifth', failure('timeout'));
    expect(state()).toBe('open');
  });

  it.each<[string, unknown]>([
    ['credentials that cannot be had', failure('credentials_unavailable')],
    ['metadata that cannot be found', failure('discovery_failed')],
    ['an error of another kind', new Error('other')],
  ])('learns nothing from %s', async (_, answer) => {
    const { ask, fail, state } = create();
    for (let token = 0; token < 10; token++) await ask(`x${token}`, answer);
    expect(state()).toBe('closed');
    await fail(4);
    await ask('x', answer);
    await ask('fifth', failure('timeout'));
    expect(state()).toBe('open');
  });

  it.each<[string, IntrospectionError, number]>([
    ['asked to slow down', failure('rate_limited', 7), 7],
    ['asked to slow down, for however short', failure('rate_limited'), 1],
    ['told when a failing endpoint comes back', failure('server_error', 90), 90],
  ])('opens at once when %s, for as long', async (_, answer, seconds) => {
    const { ask, clock, told } = create();
    await ask('one', answer);
    expect(await told()).toBe(seconds);
    clock.advance(seconds - 0.001);
    expect(await ask('two')).toBe('circuit_open');
    clock.advance(0.001);
    expect(await ask('two')).toBe('answer');
  });

  it('is not opened at once by an endpoint that fails without saying when to come back', async () => {
    const { ask, state } = create();
    await ask('one', failure('server_error', 1));
    expect(state()).toBe('closed');
  });

  it('never comes back sooner than it was told to, whatever the draw', async () => {
    draw = 0;
    const { ask, clock } = create();
    await ask('one', failure('rate_limited', 1));
    clock.advance(0.999);
    expect(await ask('two')).toBe('circuit_open');
  });
});

describe('an open circuit breaker', () => {
  it('tells how many seconds are left, rounded up', async () => {
    const { ask, clock, told } = create();
    await ask('one', failure('rate_limited', 30));
    for (const [passed, left] of [
      [0, 30],
      [0.5, 30],
      [0.5, 29],
      [28.9, 1],
    ] as const) {
      clock.advance(passed);
      expect(await told()).toBe(left);
    }
  });

  it.each([
    [0, 0.8],
    [0.5, 1],
    [0.999_999, 1.2],
  ])('pauses for a second, give or take a fifth: with a draw of %d for %d', async (drawn, seconds) => {
    draw = drawn;
    const { ask, clock, fail } = create();
    await fail(5);
    clock.advance(seconds - 0.01);
    expect(await ask('x')).toBe('circuit_open');
    clock.advance(0.01);
    expect(await ask('x')).toBe('answer');
  });

  it('pauses twice as long after each probe that fails, up to half a minute', async () => {
    const { ask, clock, fail, told } = create();
    await fail(5);
    const pauses: unknown[] = [];
    for (let probe = 0; probe < 8; probe++) {
      const pause = await told();
      pauses.push(pause);
      clock.advance(pause ?? 0);
      expect(await ask('x', failure('timeout'))).toBe('timeout');
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
  });

  it('heeds a probe that is told to stay away for longer', async () => {
    const { ask, clock, fail, told } = create();
    await fail(5);
    clock.advance(1);
    await ask('x', failure('rate_limited', 100));
    expect(await told()).toBe(100);
  });

  it.each<[string, unknown]>([
    ['an answer', 'answer'],
    ['nonsense', failure('bad_response')],
    ['a refusal of our credentials', failure('client_rejected')],
  ])('closes when a probe brings %s, and begins with short pauses again', async (_, answer) => {
    const { ask, clock, fail, told, state } = create();
    await fail(5);
    clock.advance(1);
    await ask('x', failure('timeout'));
    clock.advance(2);
    await ask('x', answer);
    expect(state()).toBe('closed');
    await fail(4);
    expect(state()).toBe('closed');
    await ask('fifth', failure('timeout'));
    expect(await told()).toBe(1);
  });

  it.each<[string, unknown]>([
    ['has no credentials', failure('credentials_unavailable')],
    ['finds no metadata', failure('discovery_failed')],
    ['fails in another way', new Error('other')],
  ])('stays open after a probe that %s, and passes its error on', async (_, answer) => {
    const { ask, clock, fail, state } = create();
    await fail(5);
    clock.advance(1);
    expect(await ask('x', answer)).toEqual(answer instanceof IntrospectionError ? answer.code : answer);
    expect(state()).toBe('open');
  });

  it('refuses the others while a probe is under way', async () => {
    const { run, ask, clock, fail, told, state, asked } = create();
    await fail(5);
    clock.advance(1);
    const answer = createDeferred<string>();
    const probe = run('probe', () => answer.promise);
    expect(state()).toBe('half_open');
    expect([await ask('probe'), await ask('x'), await told(), asked()]).toEqual(['circuit_open', 'circuit_open', 1, 5]);
    answer.resolve('answer');
    expect(await probe).toBe('answer');
    expect(await ask('x')).toBe('answer');
  });

  it('is not closed, nor opened for longer, by failures of questions asked before it opened', async () => {
    const { run, ask, clock, fail, told, state } = create();
    const late = Array.from({ length: 20 }, () => createDeferred<string>());
    const runs = late.map(({ promise }, index) => run(`late ${index}`, () => promise).catch(() => 'failed'));
    await fail(5);
    late[0]?.resolve('answer');
    late[1]?.reject(failure('bad_response'));
    late[2]?.reject(failure('server_error'));
    for (const { reject } of late.slice(3)) reject(failure('timeout'));
    await Promise.all(runs);
    expect([state(), await told()]).toEqual(['open', 1]);
    clock.advance(1);
    expect(await ask('x')).toBe('answer');
    await fail(4);
    expect(state()).toBe('closed');
  });

  it('is not opened anew, once closed, by questions asked before it opened', async () => {
    const { run, ask, clock, fail, state } = create();
    const late = Array.from({ length: 5 }, () => createDeferred<string>());
    const runs = late.map(({ promise }, index) => run(`late ${index}`, () => promise).catch(() => 'failed'));
    await fail(5);
    clock.advance(1);
    expect(await ask('probe')).toBe('answer');
    for (const { reject } of late) reject(failure('timeout'));
    await Promise.all(runs);
    expect(state()).toBe('closed');
  });

  it('goes by the monotonic clock alone', async () => {
    const { ask, clock, fail } = create();
    await fail(5);
    clock.step(3600);
    expect(await ask('x')).toBe('circuit_open');
    clock.step(-7200);
    clock.advance(1);
    expect(await ask('x')).toBe('answer');
  });
});

describe('the circuit channel', () => {
  it('tells of each change, what opened it and for how long', async () => {
    const events = recordEvents('circuit');
    const { ask, clock, fail } = create();
    await ask('x');
    await fail(5, 'unreachable');
    await ask('x');
    clock.advance(1);
    await ask('x', failure('server_error'));
    clock.advance(2);
    await ask('x');
    await ask('y');
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

  it('names no reason where a probe failed in a way of its own', async () => {
    const events = recordEvents('circuit');
    const { ask, clock, fail } = create();
    await fail(5);
    clock.advance(1);
    await ask('x', new Error('other'));
    expect(events.at(-1)).toStrictEqual({ state: 'open', retryAfterSeconds: 2 });
  });
});
