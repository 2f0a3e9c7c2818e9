import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import timers from 'node:timers';
import { endWithToken, type StreamOptions } from '../../lib/streams/index.js';
import { createDeferred } from '../support/deferred.js';
import { createAuthenticatedRequest, createFakeSetup } from '../support/mock-requests.js';
import { until } from '../support/until.js';
import { recordWarnings } from '../support/warnings.js';

const LAST_EVENT = 'data: bye\n\n';

async function authenticated() {
  const { authenticate, token } = createFakeSetup();
  const req = await createAuthenticatedRequest(authenticate, token);
  return { req, invalidate: () => authenticate.invalidate({ token }) };
}

/** An event stream that only records what is done with it. A member that is `undefined` is missing. */
function fakeStream(members: object = {}) {
  const done: unknown[] = [];
  const res = Object.assign(new EventEmitter(), {
    ...{ headersSent: true, writableEnded: false, writableFinished: false, destroyed: false, closed: false },
    getHeader: () => 'text/event-stream',
    setHeader() {},
    end: (text: unknown) => done.push(['end', text]),
    destroy: () => done.push('destroy'),
    ...members,
  });
  return { res: res as unknown as ServerResponse & EventEmitter, done };
}

describe('a response without a connection', () => {
  it('ends once with its token', async () => {
    const { req, invalidate } = await authenticated();
    const { res, done } = fakeStream();
    expect(endWithToken(req, res, { lastEvent: LAST_EVENT })).toBe(true);
    expect(done).toEqual([]);
    await invalidate();
    expect(done).toEqual([['end', LAST_EVENT]]);
    expect(() => res.emit('error', new Error('write after end'))).not.toThrow();
  });

  it('does not end with its token any more once it is closed, and its errors are those of the app before', async () => {
    const { req, invalidate } = await authenticated();
    const { res, done } = fakeStream();
    endWithToken(req, res);
    expect(() => res.emit('error', new Error('of the app'))).toThrow('of the app');
    res.emit('close');
    await invalidate();
    expect(done).toEqual([]);
  });

  it('does not end with its token any more once the connection is closed behind which it waits', async () => {
    const { req, invalidate } = await authenticated();
    const [connection, { res, done }] = [new EventEmitter(), fakeStream({ socket: null })];
    Object.assign(req, { socket: connection });
    endWithToken(req, res);
    connection.emit('close');
    await invalidate();
    expect(done).toEqual([]);
  });

  it.each([{ destroyed: true }, { closed: true }])('is over when it is closed: %j', async (members) => {
    const { req } = await authenticated();
    const { res, done } = fakeStream(members);
    expect(endWithToken(req, res)).toBe(false);
    expect([res.eventNames(), done]).toEqual([[], []]);
  });

  it.each(['getHeader', 'setHeader', 'end', 'once', 'destroy'])(
    'causes an error without the method %s',
    async (name) => {
      const { req } = await authenticated();
      const { res } = fakeStream({ [name]: undefined });
      const message =
        'endWithToken() needs the response to the request that was authenticated; pass req and res of the same request';
      expect(() => endWithToken(req, res)).toThrow(message);
    },
  );

  it.each<[string, (req: IncomingMessage) => object, string]>([
    [
      'belongs to another request',
      () => ({ req: {} }),
      'needs the response to the request that was authenticated; pass req and res of the same request',
    ],
    [
      'has ended',
      (req) => ({ req, writableEnded: true }),
      'was called after the response had ended; call it before you stream',
    ],
  ])('causes an error if it %s', async (_what, members, message) => {
    const { req } = await authenticated();
    const call = () => endWithToken(req, fakeStream(members(req)).res);
    expect(call).toThrow(expect.objectContaining({ status: 500, message: `endWithToken() ${message}` }));
  });

  it('causes an error without the middleware', () => {
    const message = 'endWithToken() found no req.auth; mount tokenIntrospection() before it';
    expect(() => endWithToken({} as IncomingMessage, fakeStream().res)).toThrow(
      expect.objectContaining({ status: 500, message }),
    );
  });

  it('causes an error if it ends with its token already', async () => {
    const { req } = await authenticated();
    const { res } = fakeStream({ req });
    endWithToken(req, res);
    expect(() => endWithToken(req, res)).toThrow(
      'endWithToken() was called for a response that ends with its token already; call it once for each response',
    );
  });

  it('keeps the headers of the handler readable', async () => {
    const { req } = await authenticated();
    const headers: unknown[] = [];
    const setHeader = (...header: unknown[]) => headers.push(header);
    const members = { headersSent: false, getHeader: () => undefined, setHeader, removeHeader: setHeader };
    endWithToken(req, fakeStream(members).res);
    expect(headers).toEqual([['Content-Type', 'text/plain'], ['Content-Type']]);
  });
});

describe('a response without a connection, with onEnd', () => {
  async function end(onEnd: StreamOptions['onEnd']) {
    const setTimeout = jest.spyOn(timers, 'setTimeout');
    const clearTimeout = jest.spyOn(timers, 'clearTimeout');
    const { req, invalidate } = await authenticated();
    const { res, done } = fakeStream();
    endWithToken(req, res, { onEnd });
    setTimeout.mockClear();
    clearTimeout.mockClear();
    await invalidate();
    const { calls, results } = setTimeout.mock;
    const [onTimeout, timer] = [calls[0]?.[0] as () => void, results[0]?.value];
    const isCleared = () => clearTimeout.mock.calls.some(([cleared]) => cleared === timer);
    setTimeout.mockRestore();
    return { done, onTimeout, isCleared };
  }

  afterEach(() => jest.restoreAllMocks());

  it('ends when the function is done, but not before, and its time limit ends too', async () => {
    const settled = createDeferred<void>();
    const { done, onTimeout, isCleared } = await end(() => settled.promise);
    await new Promise((resolve) => setImmediate(resolve));
    expect([done, isCleared()]).toEqual([[], false]);
    settled.resolve();
    await until(() => done.length > 0);
    expect([done, isCleared()]).toEqual([[['end', undefined]], true]);
    onTimeout();
    expect(done).toHaveLength(1);
  });

  it('ends at its time limit if the function takes longer, and only once', async () => {
    const settled = createDeferred<void>();
    const { done, onTimeout, isCleared } = await end(() => settled.promise);
    onTimeout();
    expect(done).toEqual([['end', undefined]]);
    settled.resolve();
    await until(isCleared);
    expect(done).toHaveLength(1);
  });
});

describe('the process warning', () => {
  it.each<[string, StreamOptions['onEnd'], unknown[]]>([
    ['is missing when the token ends', undefined, []],
    ['is missing when onEnd is fine', () => {}, []],
    [
      'names onEnd when it throws',
      () => JSON.parse('{'),
      [
        {
          text: '"onEnd" of endWithToken() threw, or its promise was rejected; handle errors inside it.',
          code: 'CALLBACK_FAILED',
        },
      ],
    ],
  ])('%s', async (_title, onEnd, expected) => {
    const warnings = recordWarnings();
    const { req, invalidate } = await authenticated();
    const { res, done } = fakeStream();
    endWithToken(req, res, { onEnd });
    await invalidate();
    await until(() => done.length > 0);
    expect(warnings).toMatchObject(expected);
  });
});
