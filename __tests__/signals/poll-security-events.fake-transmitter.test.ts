import { Readable } from 'node:stream';
import { type PollSecurityEventsOptions, pollSecurityEvents } from '../../lib/signals/index.js';
import { recordEvents } from '../support/channels.js';
import { createDeferred } from '../support/deferred.js';
import { CLIENT, createRecorder, eventClaims, ISSUER } from '../support/signals.js';
import { createIssuerKey, signToken } from '../support/transmitter.js';
import { until } from '../support/until.js';

const NOW = Date.UTC(2030, 0, 1);
const WAIT_MS = 90_000;
const NO_REPORT = { maxEvents: 50, returnImmediately: false };

/** Longest wait for the poller. It is short, so that a poller that stops fails a test soon. */
const MAX_WAIT_MS = 3000;

const key = createIssuerKey();

/** Signs an event about alice with this `jti`. */
const sign = (jti: string, more: object = {}, typ: string | undefined = 'secevent+jwt') =>
  signToken(key, { typ }, eventClaims(NOW / 1000, { jti, ...more }));

const EMAIL = { sub_id: { format: 'email', email: 'alice@example.com' } };

/** What the transmitter does with a request: sends these events, or another response. */
type Answer = Readonly<Record<string, string>> | (() => object);

const respond = (statusCode: number, headers: object, body = '') => ({
  ...{ statusCode, headers },
  body: Readable.from([Buffer.from(body)]),
});

const closings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  await import('jose');
});

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['Date', 'performance', 'nextTick', 'queueMicrotask', 'setImmediate'] });
  jest.spyOn(Math, 'random').mockReturnValue(1);
});

afterEach(() => {
  for (const close of closings.splice(0)) void close();
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/** Polls a transmitter that gives these answers, one after the other. Then a request waits until it is aborted. */
function poll(
  answers: readonly Answer[],
  more: Partial<PollSecurityEventsOptions> = {},
  authenticate = createRecorder(),
) {
  const requests: object[] = [];
  const timers = jest.spyOn(globalThis, 'setTimeout');
  const pauses = () => timers.mock.calls.map(([, ms]) => Number(ms)).filter((ms) => ms !== WAIT_MS);
  let passed = 0;
  const dispatcher = {
    async request({ body, signal }: { body: string; signal: NodeJS.EventEmitter }) {
      const answer = answers[requests.length];
      const { returnImmediately } = JSON.parse(body);
      requests.push(JSON.parse(body));
      if (typeof answer === 'function') return answer();
      const sets = answer ?? (returnImmediately ? {} : undefined);
      if (sets !== undefined) return respond(200, { 'content-type': 'application/json' }, JSON.stringify({ sets }));
      return new Promise((_resolve, reject) => signal.once('abort', () => reject(new Error('aborted'))));
    },
  };
  const started = pollSecurityEvents({
    ...{ authenticate, issuer: ISSUER, audience: CLIENT, endpoint: 'https://idp.example.com/poll' },
    ...{ keys: key.publicKey, dispatcher: dispatcher as never, clock: { now: () => NOW, monotonic: () => 5000 } },
    ...more,
  });
  closings.push(started.close);
  return {
    ...{ requests, invalidated: authenticate.invalidated, close: started.close, pauses },
    /** Resolves when this many requests were sent. */
    requested: (count: number) => until(() => requests.length === count, MAX_WAIT_MS),
    /** Waits until the poller pauses, and lets the pause pass. Resolves to its length in milliseconds. */
    async pause(): Promise<number> {
      await until(() => pauses().length > passed, MAX_WAIT_MS);
      const ms = Number(pauses()[passed]);
      passed += 1;
      jest.advanceTimersByTime(ms);
      return ms;
    },
  };
}

const unavailable = (retryAfter: string) => () => respond(503, { 'retry-after': retryAfter });

const failed = (reason: string) => ({ by: 'pollSecurityEvents', outcome: 'failed', reason });
const applied = { by: 'pollSecurityEvents', outcome: 'applied', event: 'session-revoked' };

describe('the reports of a poller', () => {
  it('tell which events were applied and which were rejected, once', async () => {
    const events = recordEvents('signal');
    const { requests, requested, invalidated, pauses } = poll([
      { good: await sign('good'), other: await sign('another') },
      { next: await sign('next') },
    ]);
    await requested(3);
    const description = 'the jti is not the one that the response names';
    expect(requests).toEqual([
      NO_REPORT,
      { ...NO_REPORT, ack: ['good'], setErrs: { other: { err: 'invalid_request', description } } },
      { ...NO_REPORT, ack: ['next'] },
    ]);
    expect(invalidated).toEqual([{ sub: 'alice' }, { sub: 'alice' }]);
    expect(events).toHaveLength(3);
    expect(events).toEqual(
      expect.arrayContaining([{ by: 'pollSecurityEvents', outcome: 'rejected', reason: 'other_jti' }, applied]),
    );
    expect(pauses()).toEqual([]);
  });

  it('are sent again when the transmitter has not responded in 90 seconds, without a pause', async () => {
    const events = recordEvents('signal');
    const { requests, requested, pauses } = poll([{ a: await sign('a') }]);
    await requested(2);
    jest.advanceTimersByTime(WAIT_MS);
    await requested(3);
    expect(requests.slice(1)).toEqual(Array(2).fill({ ...NO_REPORT, ack: ['a'] }));
    expect([pauses(), events]).toEqual([[], [applied]]);
  });

  it('leave out an event that could not be applied', async () => {
    const events = recordEvents('signal');
    const subject = jest.fn().mockRejectedValueOnce(new Error('hush')).mockResolvedValue({ sub: 'bob' });
    const [good, bad] = [await sign('good'), await sign('bad', EMAIL)];
    const { requests, requested, pause, invalidated } = poll([{ good, bad }, { bad }], { subject });
    expect(await pause()).toBe(10_000);
    expect(await pause()).toBe(1000);
    await requested(3);
    expect(requests.slice(1)).toEqual([
      { ...NO_REPORT, ack: ['good'] },
      { ...NO_REPORT, ack: ['bad'] },
    ]);
    expect(invalidated).toEqual([{ sub: 'alice' }, { sub: 'bob' }]);
    expect(events).toEqual(expect.arrayContaining([failed('subject_failed'), applied]));
    expect(events).toHaveLength(3);
  });
});

describe('the options of a poller', () => {
  it.each([
    ['secevent+jwt', undefined, 1],
    ['JWT', undefined, 0],
    ['JWT', true, 1],
  ])(
    'with a token of typ %s and allowJwtType: %j, the number of applied events is %i',
    async (typ, allowJwtType, count) => {
      const { requested, invalidated } = poll([{ a: await sign('a', {}, typ) }], { allowJwtType });
      await requested(2);
      expect(invalidated).toHaveLength(count);
    },
  );

  it.each([
    ['session', [{ sid: 's' }]],
    ['subject', [{ sid: 's' }, { sub: 'alice' }]],
  ] as const)('with scope: %s, a session of a user means %j', async (scope, targets) => {
    const user = { format: 'iss_sub', iss: ISSUER, sub: 'alice' };
    const sub_id = { format: 'complex', session: { format: 'opaque', id: 's' }, user };
    const { requested, invalidated } = poll([{ a: await sign('a', { sub_id }) }], { scope });
    await requested(2);
    expect(invalidated).toEqual(targets);
  });
});

describe('the pauses of a poller', () => {
  it('grow with each failure in a row, and a success ends the row', async () => {
    const events = recordEvents('signal');
    const failure = () => respond(500, {});
    const { requested, pause } = poll([failure, failure, failure, { a: await sign('a') }, failure]);
    const pauses = [];
    for (let i = 0; i < 4; i++) pauses.push(await pause());
    expect(pauses).toEqual([1000, 2000, 4000, 1000]);
    await requested(6);
    expect(events.map(({ reason }) => reason)).toEqual([...Array(3).fill('poll_failed'), undefined, 'poll_failed']);
    expect(events[0]).toEqual(failed('poll_failed'));
  });

  it.each([
    ['30', 30_000],
    [new Date(NOW + 50_000).toUTCString(), 50_000],
  ])('are as long as the transmitter asks for: Retry-After: %s', async (retryAfter, ms) => {
    const { requested, pause } = poll([unavailable(retryAfter)]);
    expect(await pause()).toBe(ms);
    await requested(2);
  });

  it('are of the usual length after a response without headers', async () => {
    const events = recordEvents('signal');
    const { requested, pause } = poll([() => ({ statusCode: 200, body: Readable.from([]) })]);
    expect(await pause()).toBe(1000);
    await requested(2);
    expect(events).toEqual([failed('poll_failed')]);
  });

  it('follow a response without a new event, but not one with new and known events', async () => {
    const bad = 'no token';
    const known = { good: await sign('good'), bad };
    const { requested, pause, pauses } = poll([{}, known, { ...known, new: await sign('new') }, known]);
    expect(await pause()).toBe(1000);
    await requested(4);
    expect(pauses()).toEqual([1000]);
    expect(await pause()).toBe(1000);
    await requested(5);
  });

  it.each(['applied', 'rejected'])('follow an event that is sent again after it was %s', async (outcome) => {
    const events = { a: outcome === 'applied' ? await sign('a') : 'no token' };
    const { requested, pause } = poll([events, events]);
    expect(await pause()).toBe(1000);
    await requested(3);
  });

  it('are shorter by the time that the response took', async () => {
    let monotonic = 5000;
    const answer = (ms: number) => () => {
      monotonic += ms;
      return respond(200, { 'content-type': 'application/json' }, '{"sets":{}}');
    };
    const clock = { now: () => NOW, monotonic: () => monotonic };
    const { requested, pause, pauses } = poll([answer(300), answer(1000), answer(1001)], { clock });
    expect(await pause()).toBe(700);
    await requested(4);
    expect(pauses()).toEqual([700]);
  });
});

describe('a poller that is closed', () => {
  it('sends no report if there is nothing to report, and publishes no failure', async () => {
    const events = recordEvents('signal');
    const { requests, requested, pause, close } = poll([{}]);
    await pause();
    await requested(2);
    await close();
    expect([requests, events]).toEqual([[NO_REPORT, NO_REPORT], []]);
  });

  it.each(['arrives', 'fails'])('ends after its last report, even if the report %s', async (fate) => {
    const lastAnswer = fate === 'arrives' ? {} : () => respond(500, {});
    const told = createDeferred();
    const authenticate = createRecorder(() => told.promise);
    const { requests, close } = poll([{ a: await sign('a') }, lastAnswer], {}, authenticate);
    await until(() => authenticate.invalidated.length === 1, MAX_WAIT_MS);
    const closed = close();
    told.resolve();
    await closed;
    expect(requests.slice(1)).toEqual([{ maxEvents: 0, returnImmediately: true, ack: ['a'] }]);
  });

  it('ends its pause', async () => {
    const { requests, pauses, close } = poll([unavailable('100')]);
    await until(() => pauses().length === 1, MAX_WAIT_MS);
    await close();
    expect([requests.length, jest.getTimerCount()]).toEqual([1, 0]);
  });

  it('begins no pause', async () => {
    const told = createDeferred();
    const authenticate = createRecorder(() => told.promise);
    const { requests, pauses, close } = poll([{ a: await sign('a') }], {}, authenticate);
    await until(() => authenticate.invalidated.length === 1, MAX_WAIT_MS);
    const closed = close();
    told.reject(new Error('the store fails'));
    await closed;
    expect([requests.length, pauses()]).toEqual([1, []]);
  });
});
