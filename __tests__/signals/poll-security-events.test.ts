import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Agent } from 'undici';
import { type Polling, type PollSecurityEventsOptions, pollSecurityEvents } from '../../lib/signals/index.js';
import { createPollClient } from '../../lib/signals/poll-client.js';
import { recordEvents } from '../support/channels.js';
import { createDeferred } from '../support/deferred.js';
import { CAEP, createRecorder, eventClaims } from '../support/signals.js';
import { createIssuerKey, createTransmitter, POLL_TOKEN, signToken } from '../support/transmitter.js';
import { until } from '../support/until.js';

const AUDIENCE = 'https://api.example.com';

type Transmitter = Awaited<ReturnType<typeof createTransmitter>>;

const polling: Polling[] = [];
afterEach(async () => {
  await Promise.all(polling.splice(0).map((each) => each.close()));
});

function poll(
  { issuer }: Pick<Transmitter, 'issuer'>,
  authenticate = createRecorder(),
  more: Partial<PollSecurityEventsOptions> = {},
) {
  const started = pollSecurityEvents({
    ...{ authenticate, issuer, audience: AUDIENCE, endpoint: `${issuer}/poll`, token: () => POLL_TOKEN },
    ...more,
  });
  polling.push(started);
  return Object.assign(authenticate, { close: started.close });
}

async function add(transmitter: Transmitter, more: object = {}, key = transmitter.key): Promise<string> {
  const { issuer } = transmitter;
  const seconds = Math.floor(Date.now() / 1000);
  const sub_id = { format: 'iss_sub', iss: issuer, sub: 'alice' };
  const claims = eventClaims(seconds, { iss: issuer, aud: AUDIENCE, sub_id, ...more });
  transmitter.stream.add(claims.jti, await signToken(key, { typ: 'secevent+jwt' }, claims));
  return claims.jti;
}

const user = ({ issuer }: Transmitter, sub: string) => ({ sub_id: { format: 'iss_sub', iss: issuer, sub } });

describe('pollSecurityEvents', () => {
  it.each(['ES256', 'RS256'] as const)('applies events that are signed by %s, then acknowledges them', async (alg) => {
    const transmitter = await createTransmitter(alg);
    const { stream } = transmitter;
    const jtis = [await add(transmitter)];
    const receiver = poll(transmitter);
    await until(() => stream.acknowledged.length === 1);
    jtis.push(await add(transmitter, user(transmitter, 'bob')));
    await until(() => stream.acknowledged.length === 2);
    expect(stream.acknowledged).toEqual(jtis);
    expect(receiver.invalidated).toEqual([{ sub: 'alice' }, { sub: 'bob' }]);
    expect([stream.violations, stream.errors]).toEqual([[], {}]);
    expect(stream.requests[0]).toEqual({ maxEvents: 50, returnImmediately: false, ack: [], setErrs: {} });
  });

  it('asks again at once while more events are available', async () => {
    const transmitter = await createTransmitter();
    for (let i = 0; i < 7; i++) await add(transmitter, user(transmitter, `user-${i}`));
    const receiver = poll(transmitter, createRecorder(), { maxEvents: 3 });
    await until(() => transmitter.stream.acknowledged.length === 7);
    expect(receiver.invalidated).toHaveLength(7);
    expect(transmitter.stream.requests.map(({ ack }) => ack.length)).toEqual([0, 3, 3, 1]);
    expect(transmitter.stream.violations).toEqual([]);
  });

  it('acknowledges no event before the whole fleet has been told', async () => {
    const transmitter = await createTransmitter();
    const told = createDeferred();
    const receiver = poll(
      transmitter,
      createRecorder(() => told.promise),
    );
    await add(transmitter);
    await until(() => receiver.invalidated.length === 1);
    expect(transmitter.stream.requests.map(({ ack }) => ack)).toEqual([[]]);
    told.resolve();
    await until(() => transmitter.stream.acknowledged.length === 1);
  });

  it('gets an event again that could not be applied, and then acknowledges it', async () => {
    const transmitter = await createTransmitter();
    const failures = recordEvents('signal');
    let isFailing = true;
    const receiver = poll(
      transmitter,
      createRecorder(async () => {
        if (isFailing) throw new Error('the store fails');
      }),
    );
    const jti = await add(transmitter);
    await until(() => failures.length > 0);
    isFailing = false;
    await until(() => transmitter.stream.acknowledged.length === 1);
    expect([transmitter.stream.sent.get(jti), receiver.invalidated.length]).toEqual([2, 2]);
    expect(failures.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['failed', 'not_invalidated'],
      ['applied', undefined],
    ]);
  });

  it('reports events that are not valid, and applies the others', async () => {
    const transmitter = await createTransmitter();
    const stranger = await add(transmitter, {}, { ...createIssuerKey(), kid: transmitter.key.kid });
    const foreign = await add(transmitter, { iss: 'https://evil.example.com' });
    const old = await add(transmitter, { iat: Math.floor(Date.now() / 1000) - 86_410 });
    const good = await add(transmitter, { iat: Math.floor(Date.now() / 1000) - 86_300 });
    transmitter.stream.add('other', transmitter.stream.pending.get(good) as string);
    transmitter.stream.add('__proto__', 'no token');
    const receiver = poll(transmitter);
    await until(() => transmitter.stream.acknowledged.length === 1);
    expect(transmitter.stream.acknowledged).toEqual([good]);
    const codes = Object.entries(transmitter.stream.requests[1]?.setErrs ?? {}).map(([jti, { err }]) => [jti, err]);
    expect(codes).toEqual([
      [stranger, 'authentication_failed'],
      [foreign, 'invalid_issuer'],
      [old, 'invalid_request'],
      ['other', 'invalid_request'],
      ['__proto__', 'invalid_request'],
    ]);
    expect(receiver.invalidated).toEqual([{ sub: 'alice' }]);
  });

  it('acknowledges events without an effect', async () => {
    const transmitter = await createTransmitter();
    const jtis = [
      await add(transmitter, { events: { [`${CAEP}/session-presented`]: {} } }),
      await add(transmitter, { sub_id: { format: 'email', email: 'alice@example.com' } }),
    ];
    const receiver = poll(transmitter);
    await until(() => transmitter.stream.acknowledged.length === 2);
    expect([transmitter.stream.acknowledged, receiver.invalidated]).toEqual([jtis, []]);
  });

  it('gets an event again after the option "subject" has failed', async () => {
    const transmitter = await createTransmitter();
    const failures = recordEvents('signal');
    const subject = jest
      .fn()
      .mockRejectedValueOnce(new Error('the database fails'))
      .mockResolvedValue({ sub: 'alice' });
    const receiver = poll(transmitter, createRecorder(), { subject });
    await add(transmitter, { sub_id: { format: 'email', email: 'alice@example.com' } });
    await until(() => transmitter.stream.acknowledged.length === 1);
    expect(receiver.invalidated).toEqual([{ sub: 'alice' }]);
    expect(failures[0]).toEqual({ by: 'pollSecurityEvents', outcome: 'failed', reason: 'subject_failed' });
  });

  it.each<[string, (res: ServerResponse) => void]>([
    ['status 500', (res) => res.writeHead(500).end()],
    ['status 401', (res) => res.writeHead(401).end()],
    ['a redirect', (res) => res.writeHead(302, { location: '/jwks' }).end()],
    ['another media type', (res) => res.writeHead(200, { 'content-type': 'text/html' }).end('{"sets":{}}')],
    ['no JSON', (res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{')],
    ['no sets', (res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{}')],
    ['a list of sets', (res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{"sets":[]}')],
    ['no response', (res) => res.destroy()],
  ])('asks again after %s', async (_name, failure) => {
    const transmitter = await createTransmitter();
    const events = recordEvents('signal');
    transmitter.stream.failures.push(failure);
    await add(transmitter);
    const receiver = poll(transmitter);
    await until(() => transmitter.stream.acknowledged.length === 1);
    expect(receiver.invalidated).toEqual([{ sub: 'alice' }]);
    expect(events[0]).toEqual({ by: 'pollSecurityEvents', outcome: 'failed', reason: 'poll_failed' });
  });

  it('sends its report again if the request failed', async () => {
    const transmitter = await createTransmitter();
    const receiver = poll(transmitter);
    const invalidate = receiver.invalidate.bind(receiver);
    receiver.invalidate = (target) => {
      transmitter.stream.failures.push((res) => res.destroy());
      return invalidate(target);
    };
    await add(transmitter);
    await until(() => transmitter.stream.acknowledged.length === 1);
    expect(receiver.invalidated).toHaveLength(1);
  });

  it('rejects a value that is no text, and applies the other events of the response', async () => {
    const transmitter = await createTransmitter();
    const good = await add(transmitter);
    transmitter.stream.pending.set('number', 7 as never);
    transmitter.stream.pending.set('object', { toString: 1 } as never);
    const receiver = poll(transmitter);
    await until(() => transmitter.stream.acknowledged.length === 1);
    expect([transmitter.stream.acknowledged, receiver.invalidated]).toEqual([[good], [{ sub: 'alice' }]]);
    expect(Object.keys(transmitter.stream.errors)).toEqual(['number', 'object']);
  });

  it('follows the keys of the transmitter', async () => {
    const transmitter = await createTransmitter('ES256', '/.well-known/openid-configuration');
    let passedMs = 0;
    const clock = { now: () => Date.now(), monotonic: () => performance.now() + passedMs };
    const receiver = poll(transmitter, createRecorder(), { clock });
    await add(transmitter);
    await until(() => transmitter.stream.acknowledged.length === 1);
    passedMs += 10_000;
    transmitter.rotate('RS256');
    await add(transmitter, user(transmitter, 'bob'));
    await until(() => transmitter.stream.acknowledged.length === 2);
    expect(receiver.invalidated).toEqual([{ sub: 'alice' }, { sub: 'bob' }]);
    expect(transmitter.fetches()).toBe(2);
  });

  it('tells the transmitter what was applied before it closes', async () => {
    const transmitter = await createTransmitter();
    const told = createDeferred();
    const receiver = poll(
      transmitter,
      createRecorder(() => told.promise),
    );
    const jti = await add(transmitter);
    await until(() => receiver.invalidated.length === 1);
    const closed = receiver.close();
    told.resolve();
    await closed;
    expect(transmitter.stream.requests.at(-1)).toEqual({
      maxEvents: 0,
      returnImmediately: true,
      ack: [jti],
      setErrs: {},
    });
    expect([transmitter.stream.pending.size, transmitter.stream.violations]).toEqual([0, []]);
  });

  it('keeps the process alive during a pause, as it does while it waits for events', async () => {
    const transmitter = await createTransmitter();
    const events = recordEvents('signal');
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const pauses = () => timers.mock.results.filter((_result, index) => timers.mock.calls[index]?.[1] === 100_000);
    transmitter.stream.failures.push((res) => res.writeHead(503, { 'retry-after': '100' }).end());
    poll(transmitter);
    await until(() => events.length === 1 && pauses().length === 1);
    expect(pauses().map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([true]);
    timers.mockRestore();
  });

  it('closes at once while it waits for events, for a token, or to try again', async () => {
    const transmitter = await createTransmitter();
    const waiting = poll(transmitter);
    await until(() => transmitter.stream.requests.length === 1);
    await waiting.close();
    const token = createDeferred<string>();
    const asking = poll(transmitter, createRecorder(), { token: () => token.promise });
    const closed = asking.close();
    token.resolve(POLL_TOKEN);
    await closed;
    const events = recordEvents('signal');
    transmitter.stream.failures.push((res) => res.writeHead(503, { 'retry-after': '100' }).end());
    const pausing = poll(transmitter);
    await until(() => events.length === 1);
    await pausing.close();
    expect(transmitter.stream.requests).toHaveLength(1);
  });

  it('sends every request through the dispatcher of the app', async () => {
    const transmitter = await createTransmitter();
    const agent = new Agent();
    const paths: string[] = [];
    const dispatcher = {
      request(options: Parameters<Agent['request']>[0]) {
        paths.push(options.path);
        return agent.request(options);
      },
    };
    poll(transmitter, createRecorder(), { dispatcher: dispatcher as never });
    await add(transmitter);
    await until(() => transmitter.stream.acknowledged.length === 1);
    expect(new Set(paths)).toEqual(new Set([...transmitter.asked]));
    await agent.destroy();
  });

  it('asks again when the dispatcher of the app returns a response without headers', async () => {
    const transmitter = await createTransmitter();
    const agent = new Agent();
    const responses = [{ statusCode: 200, body: Readable.from([]) }];
    const dispatcher = {
      request: (options: Parameters<Agent['request']>[0]) => responses.shift() ?? agent.request(options),
    };
    const events = recordEvents('signal');
    const receiver = poll(transmitter, createRecorder(), { dispatcher: dispatcher as never });
    await add(transmitter);
    await until(() => transmitter.stream.acknowledged.length === 1);
    expect(events.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['failed', 'poll_failed'],
      ['applied', undefined],
    ]);
    await receiver.close();
    await agent.destroy();
  });

  it.each<[string, (jti: string, jwt: string) => object]>([
    ['has no event', () => ({})],
    ['sends the same event again and again', (jti, jwt) => ({ [jti]: jwt })],
  ])('asks at most once a second when a transmitter does not wait and %s', async (_name, setsOf) => {
    const transmitter = await createTransmitter();
    const { stream } = transmitter;
    const jti = await add(transmitter);
    const sets = setsOf(jti, String(stream.pending.get(jti)));
    const times: number[] = [];
    stream.failures = Array.from({ length: 4 }, () => (res: ServerResponse) => {
      times.push(performance.now());
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sets }));
    });
    poll(transmitter);
    await until(() => times.length === 4);
    const [first = 0, second = 0, third = 0, fourth = 0] = times;
    expect(fourth - third).toBeGreaterThan(900);
    expect(third - second).toBeGreaterThan(900);
    // An event in the first response is new, so the second request may follow at once.
    if (Object.keys(sets).length === 0) expect(second - first).toBeGreaterThan(900);
  });

  it('asks again when the transmitter has not responded in time', async () => {
    const transmitter = await createTransmitter();
    const client = createPollClient({
      ...{ endpoint: new URL(`${transmitter.issuer}/poll`), token: POLL_TOKEN, maxEvents: 1, dispatcher: undefined },
      ...{ now: Date.now, waitMs: 20 },
    });
    expect(await client.poll({ ack: [], setErrs: {} })).toBeUndefined();
    await client.close();
  });

  it.each<[string, unknown, RegExp]>([
    ['endpoint', undefined, /^Option "endpoint" is missing/],
    ['endpoint', 'http://idp.example.com/poll', /^Option "endpoint" is .*https/],
    ['token', 7, /^Option "token" is 7/],
    ['maxEvents', 0, /^Option "maxEvents" is 0/],
    ['maxEvents', 101, /^Option "maxEvents" is 101/],
    ['secret', 'x', /^Option "secret" is not known here/],
  ])('throws when the option %s is %j', (name, value, message) => {
    const authenticate = createRecorder();
    const options = { authenticate, issuer: 'https://a.example.com', audience: 'a', endpoint: 'https://a.example.com' };
    expect(() => pollSecurityEvents({ ...options, [name]: value })).toThrow(message);
  });
});
