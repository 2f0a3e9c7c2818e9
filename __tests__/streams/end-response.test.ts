import { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import timers from 'node:timers';
import { AuthError, IntrospectionError } from '../../lib/core/errors.js';
import type { RequestSession } from '../../lib/middleware/session.js';
import { endResponse, ignoreErrors, keepHeaders, limitTime } from '../../lib/streams/end-response.js';
import { INVALID_TOKEN } from '../support/challenges.js';

const LAST_EVENT = 'data: bye\n\n';
const EVENT_STREAM = 'text/event-stream';
const EXPIRED = new AuthError('expired');

const timer = { unref: jest.fn().mockReturnThis() };
const setTimeout = jest.spyOn(timers, 'setTimeout');
const clearTimeout = jest.spyOn(timers, 'clearTimeout');

beforeEach(() => {
  for (const mock of [timer.unref, setTimeout, clearTimeout]) mock.mockClear();
  setTimeout.mockImplementation(() => timer as never);
  clearTimeout.mockImplementation(() => {});
});

afterAll(() => jest.restoreAllMocks());

/** Lets the time pass for which the timer was set. */
function runTimer() {
  expect(setTimeout.mock.calls).toEqual([[expect.any(Function), 1000]]);
  expect(timer.unref).toHaveBeenCalledTimes(1);
  for (const [onTimeout] of setTimeout.mock.calls) onTimeout();
}

function createSession(headers: Record<string, string> = {}, guardScopes: readonly string[] = []): RequestSession {
  const req = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', headers });
  const dpop = { algorithms: ['ES256'], nonces: { current: () => 'n-1', check: () => 'current' as const } };
  const policy = {
    realm: 'api',
    resourceMetadata: undefined,
    scopes: ['read'],
    dpop: 'dpop' in headers ? dpop : undefined,
  };
  const checks = [{ check: { scopes: guardScopes } }];
  return { req, authenticator: { policy }, checks } as unknown as RequestSession;
}

/** A response that only records what is done with it. */
function record(members: object = {}) {
  const done: unknown[] = [];
  const res = Object.assign(new EventEmitter(), {
    ...{ headersSent: true, writableEnded: false, writableFinished: false, destroyed: false },
    getHeader: () => undefined as unknown,
    end: (text: unknown) => done.push(['end', text]),
    destroy: () => done.push('destroy'),
    ...members,
  });
  const end = (lastEvent: string | undefined) =>
    endResponse(createSession(), res as unknown as ServerResponse, lastEvent, EXPIRED);
  return { res, done, end };
}

describe('a response whose token has ended', () => {
  it.each([{ writableFinished: true }, { destroyed: true }])('is left as it is if it is over: %j', (members) => {
    const { done, end } = record(members);
    end(LAST_EVENT);
    expect([done, setTimeout.mock.calls]).toEqual([[], []]);
  });

  it('is destroyed after a second if the handler has ended it, and the client does not read', () => {
    const { done, end } = record({ writableEnded: true });
    end(LAST_EVENT);
    expect(done).toEqual([]);
    runTimer();
    expect(done).toEqual(['destroy']);
  });

  it.each([
    EVENT_STREAM,
    'Text/Event-Stream',
    `${EVENT_STREAM};charset=utf-8`,
    `  ${EVENT_STREAM}  ; charset=utf-8`,
    `${EVENT_STREAM} `,
    [EVENT_STREAM],
  ])('with the content type %j gets the last event, and is destroyed after a second', (type) => {
    const { done, end } = record({ getHeader: (name: string) => (name === 'Content-Type' ? type : undefined) });
    end(LAST_EVENT);
    expect(done).toEqual([['end', LAST_EVENT]]);
    runTimer();
    expect(done).toEqual([['end', LAST_EVENT], 'destroy']);
  });

  it('with the content type of an event stream ends without a last event, too', () => {
    const { done, end } = record({ getHeader: () => EVENT_STREAM });
    end(undefined);
    expect(done).toEqual([['end', undefined]]);
  });

  it.each(['text/csv', 'text/event-streams', 'text/event-stream, text/csv', 'x-text/event-stream', ''])(
    'with the content type %j is destroyed at once',
    (type) => {
      const { done, end } = record({ getHeader: () => type });
      end(LAST_EVENT);
      expect([done, setTimeout.mock.calls]).toEqual([['destroy'], []]);
    },
  );

  it('without a known content type is an event stream if there is a last event', () => {
    const [withEvent, without] = [record(), record()];
    withEvent.end(LAST_EVENT);
    without.end(undefined);
    expect([withEvent.done, without.done]).toEqual([[['end', LAST_EVENT]], ['destroy']]);
  });

  it('is destroyed if it cannot be ended', () => {
    const { done, end } = record({
      end() {
        throw new Error('of the response');
      },
    });
    end(LAST_EVENT);
    expect(done).toEqual(['destroy']);
  });

  it('of HTTP/2 is cancelled, because its connection belongs to others too', () => {
    const codes: unknown[] = [];
    const { done, end } = record({ stream: { close: (code: number) => codes.push(code) } });
    end(undefined);
    expect([codes, done]).toEqual([[8], []]);
  });

  it.each([null, {}])('with the member "stream" %j of something else is destroyed', (stream) => {
    const { done, end } = record({ stream });
    end(undefined);
    expect(done).toEqual(['destroy']);
  });

  it('that cannot be destroyed causes no error', () => {
    const { end } = record({
      destroy() {
        throw new Error('of the response');
      },
    });
    expect(() => end(undefined)).not.toThrow();
  });
});

describe('a response that has not begun', () => {
  function replace(error: unknown, session = createSession(), prepare: (res: ServerResponse) => void = () => {}) {
    const res = new ServerResponse(session.req);
    prepare(res);
    endResponse(session, res, LAST_EVENT, error);
    return res;
  }

  it('becomes a rejection with a challenge of its own, which names the scopes of middleware and guards', () => {
    const error = new AuthError('insufficient_scope', ['admin']);
    const res = replace(error, createSession({}, ['write']));
    const challenge =
      'Bearer realm="api", error="insufficient_scope", error_description="The access token does not grant what this resource requires", scope="read write admin"';
    expect([res.statusCode, res.getHeader('www-authenticate'), res.writableEnded]).toEqual([403, challenge, true]);
    expect(error.headers).toEqual(new AuthError('insufficient_scope').headers);
    expect(setTimeout).toHaveBeenCalledTimes(1);
  });

  it('becomes a rejection with the required authentication', () => {
    const authentication = { acrValues: ['gold'], maxAgeSeconds: 60 };
    const res = replace(new AuthError('insufficient_user_authentication', [], authentication));
    expect(res.getHeader('www-authenticate')).toMatch(/acr_values="gold", max_age="60"$/);
  });

  it('becomes a rejection after the challenges of other code, with a nonce for a client that uses DPoP', () => {
    const session = createSession({ authorization: 'DPoP abc', dpop: 'proof' });
    const res = replace(EXPIRED, session, (prepared) => prepared.setHeader('WWW-Authenticate', 'Basic realm="x"'));
    expect(res.getHeader('www-authenticate')).toEqual([
      'Basic realm="x"',
      'Bearer realm="api"',
      `${INVALID_TOKEN.replace('Bearer', 'DPoP')}, scope="read", algs="ES256"`,
    ]);
    expect(res.getHeader('dpop-nonce')).toBe('n-1');
  });

  it('becomes 503 during an outage, and 500 after another failure', () => {
    const outage = replace(new IntrospectionError('timeout', undefined, 7));
    expect([outage.statusCode, outage.getHeader('retry-after')]).toEqual([503, '7']);
    expect(replace(new Error('of the app')).statusCode).toBe(500);
  });

  it('has no header about an encoding that the handler has planned', () => {
    const res = replace(EXPIRED, createSession(), (prepared) => prepared.setHeader('Transfer-Encoding', 'chunked'));
    expect(res.getHeader('transfer-encoding')).toBeUndefined();
  });

  it.each([
    'addTrailers',
    'appendHeader',
    'end',
    'flushHeaders',
    'removeHeader',
    'setHeader',
    'setHeaders',
    'write',
    'writeHead',
  ])('drops later calls of %s(), which the app may replace', (name) => {
    const res = replace(EXPIRED);
    expect((res as unknown as Record<string, () => unknown>)[name]?.()).toBe(res);
    const { value, ...attributes } = Object.getOwnPropertyDescriptor(res, name) ?? {};
    expect(attributes).toEqual({ writable: true, enumerable: false, configurable: true });
  });
});

it('errors of a response whose token has ended do not end the process', () => {
  const { res } = record();
  ignoreErrors(res as unknown as ServerResponse);
  expect(() => res.emit('error', new Error('write after end'))).not.toThrow();
});

describe('the time limit of a response', () => {
  it.each<[string, (res: EventEmitter, stop: () => void) => unknown]>([
    ['the response was sent', (res) => res.emit('finish')],
    ['the response was closed', (res) => res.emit('close')],
    ['it is not needed any more', (_res, stop) => stop()],
  ])('ends when %s', (_when, cause) => {
    const { res } = record();
    const stop = limitTime(res as unknown as ServerResponse, () => {});
    expect(clearTimeout).not.toHaveBeenCalled();
    cause(res, stop);
    expect(clearTimeout.mock.calls).toEqual([[timer]]);
  });
});

describe('the headers that a handler passes to writeHead()', () => {
  const create = () => new ServerResponse(createSession().req);

  it('can be read afterwards, and nothing else has changed', () => {
    const res = create();
    keepHeaders(res);
    expect(res.getHeaders()).toEqual({});
    res.writeHead(200, { 'Content-Type': EVENT_STREAM });
    expect(res.getHeader('Content-Type')).toBe(EVENT_STREAM);
  });

  it('do not replace a content type that is set already', () => {
    const res = create();
    res.setHeader('Content-Type', 'text/csv');
    keepHeaders(res);
    expect(res.getHeader('Content-Type')).toBe('text/csv');
  });

  it('are not touched when they were sent', () => {
    const res = create();
    res.writeHead(200);
    res.flushHeaders();
    expect(() => keepHeaders(res)).not.toThrow();
  });
});
