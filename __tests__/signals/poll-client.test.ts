import { Readable } from 'node:stream';
import { USER_AGENT } from '../../lib/introspection/user-agent.js';
import { createPollClient, type PollClientSettings, type PollReport } from '../../lib/signals/poll-client.js';
import { createDeferred } from '../support/deferred.js';
import { until } from '../support/until.js';

const ENDPOINT = new URL('https://idp.example.com/poll?stream=1');
const NOTHING: PollReport = { ack: [], setErrs: {} };
const NOW = Date.UTC(2030, 0, 1);
const WAIT_MS = 90_000;

interface Sent {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly signal: NodeJS.EventEmitter;
}

type Response = readonly [statusCode: number, headers: object, body: Readable | string];

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const EMPTY: Response = [200, JSON_TYPE, '{"sets":{}}'];

/** A poll client whose requests get these responses, one after the other. Without a response, a request waits until it is aborted. */
function create(more: Partial<PollClientSettings> = {}, ...responses: readonly Response[]) {
  const sent: Sent[] = [];
  const dispatcher = {
    request(options: Sent) {
      const response = responses[sent.length];
      sent.push(options);
      if (response === undefined) {
        return new Promise((_resolve, reject) => options.signal.once('abort', () => reject(new Error('aborted'))));
      }
      const [statusCode, headers, body] = response;
      return Promise.resolve({
        statusCode,
        headers,
        body: typeof body === 'string' ? Readable.from([Buffer.from(body)]) : body,
      });
    },
  };
  const settings = { endpoint: ENDPOINT, token: 'poll-token', maxEvents: 7, now: () => NOW, waitMs: WAIT_MS };
  const client = createPollClient({ ...settings, dispatcher: dispatcher as never, ...more });
  return { client, sent };
}

const failed = (retryAfterSeconds = 1) => ({ reason: 'poll_failed', retryAfterSeconds });

afterEach(() => {
  jest.useRealTimers();
});

describe('a poll request', () => {
  it('is a POST with the access token, the maximum and the report', async () => {
    const { client, sent } = create({}, EMPTY, EMPTY);
    const setErrs = { bad: { err: 'invalid_key', description: 'x' } };
    await client.poll({ ack: ['good'], setErrs });
    await client.acknowledge({ ack: ['good'], setErrs });
    const [{ origin, path, method, headers, body }, acknowledgement] = sent as [Sent, Sent];
    expect([method, origin + path]).toEqual(['POST', ENDPOINT.href]);
    expect(headers).toEqual({
      accept: 'application/json',
      'content-type': 'application/json',
      'user-agent': USER_AGENT,
      authorization: 'Bearer poll-token',
    });
    expect(JSON.parse(body)).toEqual({ maxEvents: 7, returnImmediately: false, ack: ['good'], setErrs });
    expect(JSON.parse(acknowledgement.body)).toEqual({ maxEvents: 0, returnImmediately: true, ack: ['good'], setErrs });
  });

  it.each<[string, PollReport, object]>([
    ['nothing', NOTHING, {}],
    ['one acknowledgement', { ack: ['a'], setErrs: {} }, { ack: ['a'] }],
    [
      'one error',
      { ack: [], setErrs: { a: { err: 'invalid_key', description: 'x' } } },
      { setErrs: { a: { err: 'invalid_key', description: 'x' } } },
    ],
  ])('has no empty members, with %s to report', async (_name, report, members) => {
    const { client, sent } = create({}, EMPTY);
    await client.poll(report);
    expect(JSON.parse(String(sent[0]?.body))).toEqual({ maxEvents: 7, returnImmediately: false, ...members });
  });

  it('has the current access token, or none', async () => {
    const tokens = ['first', 'second=='];
    const { client, sent } = create({ token: async () => String(tokens.shift()) }, EMPTY, EMPTY);
    for (let i = 0; i < 2; i++) await client.poll(NOTHING);
    expect(sent.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second==']);
    const withoutToken = create({ token: undefined }, EMPTY);
    await withoutToken.client.poll(NOTHING);
    expect(Object.keys(withoutToken.sent[0]?.headers ?? {})).toEqual(['accept', 'content-type', 'user-agent']);
  });

  it.each<[string, unknown]>([
    ['returns nothing', () => undefined],
    ['returns an empty text', () => ''],
    ['returns more than a token', async () => 'a b'],
    ['returns a list', () => ['token']],
    ['fails', () => Promise.reject(new Error('hush'))],
    ['fails with the code of a timeout', () => Promise.reject(Object.assign(new Error('hush'), { code: 'timeout' }))],
    [
      'throws',
      () => {
        throw new Error('hush');
      },
    ],
  ])('is not sent if the function for the access token %s', async (_name, token) => {
    const { client, sent } = create({ token: token as never });
    await expect(client.poll(NOTHING)).rejects.toMatchObject(failed());
    await expect(client.acknowledge(NOTHING)).rejects.toMatchObject(failed());
    expect(sent).toEqual([]);
  });
});

describe('the response to a poll request', () => {
  it('has events by their jti; a value that is no text is an empty one', async () => {
    const { client } = create({}, [
      200,
      JSON_TYPE,
      '{"sets":{"a":"jwt","b":7,"c":null,"__proto__":"x"},"moreAvailable":true}',
    ]);
    expect([...((await client.poll(NOTHING)) ?? [])]).toEqual([
      ['a', 'jwt'],
      ['b', ''],
      ['c', ''],
      ['__proto__', 'x'],
    ]);
  });

  it.each<[string, Response]>([
    ['another media type', [200, { 'content-type': 'text/html' }, '{"sets":{}}']],
    ['no media type', [200, {}, '{"sets":{}}']],
    ['no JSON', [200, JSON_TYPE, '{']],
    ['no object', [200, JSON_TYPE, 'null']],
    ['no sets', [200, JSON_TYPE, '{}']],
    ['null as sets', [200, JSON_TYPE, '{"sets":null}']],
    ['a list of sets', [200, JSON_TYPE, '{"sets":[]}']],
    ['a text as sets', [200, JSON_TYPE, '{"sets":"jwt"}']],
    ['inherited sets', [200, JSON_TYPE, '{"__proto__":{"sets":{}}}']],
    ['a compressed body', [200, { ...JSON_TYPE, 'content-encoding': 'gzip' }, '{"sets":{}}']],
    ['the status 202', [202, JSON_TYPE, '{"sets":{}}']],
    ['the status 500', [500, JSON_TYPE, '{"sets":{}}']],
    ['the status 503 and a malformed Retry-After', [503, { 'retry-after': 'soon' }, '']],
  ])('is a failure with %s', async (_name, response) => {
    const { client } = create({}, response);
    await expect(client.poll(NOTHING)).rejects.toMatchObject(failed());
  });

  it.each<[number, string, number]>([
    [503, '30', 30],
    [429, '40', 40],
    [503, new Date(NOW + 50_000).toUTCString(), 50],
  ])('may ask for a pause: status %i with Retry-After: %s', async (status, retryAfter, seconds) => {
    const response: Response = [status, { 'retry-after': retryAfter }, ''];
    const { client } = create({}, response, response);
    await expect(client.poll(NOTHING)).rejects.toMatchObject(failed(seconds));
    await expect(client.acknowledge(NOTHING)).rejects.toMatchObject(failed(seconds));
  });

  it('is not read further if its status is not 200', async () => {
    const body = new Readable({ read() {} });
    const { client } = create({}, [500, JSON_TYPE, body]);
    await expect(client.poll(NOTHING)).rejects.toMatchObject(failed());
    expect(body.destroyed).toBe(true);
  });

  it('is awaited for the given time', async () => {
    jest.useFakeTimers();
    const { client, sent } = create();
    const outcome = client.poll(NOTHING);
    await jest.advanceTimersByTimeAsync(WAIT_MS - 1);
    expect(await Promise.race([outcome, 'still waits'])).toBe('still waits');
    await jest.advanceTimersByTimeAsync(1);
    expect([await Promise.race([outcome, 'still waits']), sent.length]).toEqual([undefined, 1]);
  });

  it('is awaited for 5 seconds after an acknowledgement', async () => {
    jest.useFakeTimers();
    const { client } = create();
    const outcome = client.acknowledge(NOTHING).then(() => 'ended');
    await jest.advanceTimersByTimeAsync(4999);
    expect(await Promise.race([outcome, 'still waits'])).toBe('still waits');
    await jest.advanceTimersByTimeAsync(1);
    expect(await Promise.race([outcome, 'still waits'])).toBe('ended');
  });
});

describe('abort', () => {
  it('ends the pending request, with a failure', async () => {
    const { client, sent } = create();
    const outcome = client.poll(NOTHING);
    await until(() => sent.length === 1);
    client.abort();
    await expect(outcome).rejects.toMatchObject(failed());
  });

  it('sends no request if the access token arrives later', async () => {
    const token = createDeferred<string>();
    const { client, sent } = create({ token: () => token.promise });
    const outcome = client.poll(NOTHING);
    client.abort();
    token.resolve('token');
    await expect(outcome).rejects.toMatchObject(failed());
    expect(sent).toEqual([]);
  });

  it('does nothing before the first request, and disturbs no ended request and no later one', async () => {
    const { client, sent } = create({}, EMPTY, EMPTY);
    client.abort();
    await client.poll(NOTHING);
    const aborted = jest.fn();
    sent[0]?.signal.on('abort', aborted);
    client.abort();
    await client.poll(NOTHING);
    expect([sent.length, aborted.mock.calls]).toEqual([2, []]);
  });
});
