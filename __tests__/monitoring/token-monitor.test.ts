import timers from 'node:timers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TokenIntrospection, TokenIntrospectionOptions } from '../../lib/index.js';
import { sessionBehind } from '../../lib/middleware/session.js';
import { monitorToken, type TokenMonitor, type TokenMonitorOptions } from '../../lib/monitoring/token-monitor.js';
import { createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { until } from '../support/until.js';

const monitors: TokenMonitor[] = [];

afterEach(() => {
  for (const monitor of monitors.splice(0)) monitor.stop();
});

async function start(options: Partial<TokenIntrospectionOptions> = {}, script: Script = active({ exp: undefined })) {
  const clock = createClock();
  const endpoint = await createEndpoint(script);
  return { clock, endpoint, authenticate: createAuthenticate(endpoint, { clock, ...options }) };
}

async function sessionOf(authenticate: Pick<TokenIntrospection, 'introspect'>, token = 'abc') {
  const session = sessionBehind(await authenticate.introspect(token));
  if (session === undefined) throw new Error('There is a session');
  return session;
}

/** Monitors a token, and collects how its monitor ends. */
async function monitor(
  authenticate: Pick<TokenIntrospection, 'introspect'>,
  token?: string,
  options: Partial<TokenMonitorOptions> = {},
) {
  const ended: unknown[] = [];
  const session = await sessionOf(authenticate, token);
  const started = monitorToken(session, { onEnd: (error) => void ended.push(error), ...options });
  monitors.push(started);
  return { ended, monitor: started };
}

const INACTIVE = [expect.objectContaining({ reason: 'inactive' })];

describe('the monitors of one token', () => {
  it.each([
    ['with a cache', {}],
    ['without a cache', { cache: false as const }],
  ])('share one introspection request for a recheck %s, whatever their policies are', async (_title, options) => {
    const { clock, endpoint, authenticate } = await start(options);
    const strict = authenticate.with({ scopes: ['write'] });
    const all: Awaited<ReturnType<typeof monitor>>[] = [];
    for (let index = 0; index < 5; index++) all.push(await monitor(authenticate), await monitor(strict));
    const before = endpoint.asked.length;
    endpoint.script = active({ exp: undefined, scope: 'read' });
    clock.advance(60);
    await until(() => all.filter(({ ended }) => ended.length > 0).length === 5);
    expect(endpoint.asked).toHaveLength(before + 1);
    expect(all.map(({ ended }) => ended)).toEqual(
      all.map((_, index) => (index % 2 === 0 ? [] : [expect.objectContaining({ reason: 'insufficient_scope' })])),
    );
  });

  it.each([
    ['with a cache', {}],
    ['without a cache', { cache: false as const }],
  ])('all end after one introspection request when it is found inactive, %s', async (_title, options) => {
    const { clock, endpoint, authenticate } = await start(options);
    const others = [authenticate, authenticate.with({ scopes: ['read'] }), authenticate.with({ scopes: ['write'] })];
    const all: Awaited<ReturnType<typeof monitor>>[] = [];
    for (const other of others) all.push(await monitor(other));
    const before = endpoint.asked.length;
    endpoint.script = { active: false };
    clock.advance(60);
    await until(() => all.every(({ ended }) => ended.length > 0));
    expect(all.map(({ ended }) => ended)).toEqual([INACTIVE, INACTIVE, INACTIVE]);
    expect(endpoint.asked).toHaveLength(before + 1);
  });

  it('share one failed introspection request during an outage', async () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const { clock, endpoint, authenticate } = await start({ cache: { ttlSeconds: 60, staleIfErrorSeconds: 600 } });
    const all = [await monitor(authenticate), await monitor(authenticate.with({ scopes: ['read'] }))];
    const before = endpoint.asked.length;
    endpoint.script = (_asked, res) => json(res, {}, 500);
    clock.advance(59.9);
    await until(() => endpoint.asked.length > before);
    endpoint.script = active({ exp: undefined });
    // The second monitor uses the cached response of the first one, and both are rechecked again a little later.
    clock.advance(15);
    await until(() => endpoint.asked.length > before + 1);
    expect(all.map(({ ended }) => ended)).toEqual([[], []]);
    random.mockRestore();
  });

  it('end although another monitor of the token has stopped', async () => {
    const { authenticate } = await start();
    const [first, second] = [await monitor(authenticate), await monitor(authenticate)];
    first.monitor.stop();
    await authenticate.invalidate({ token: 'abc' });
    expect([first.ended, second.ended]).toEqual([[], INACTIVE]);
    expect([first.monitor.check(), second.monitor.check()]).toEqual([false, false]);
  });

  it('end each at its own exp', async () => {
    const { clock, endpoint, authenticate } = await start({ cache: false });
    endpoint.script = active({ exp: clock.seconds() + 1 });
    const early = await monitor(authenticate);
    endpoint.script = active({ exp: clock.seconds() + 20 });
    const late = await monitor(authenticate);
    clock.advance(1);
    await until(() => early.ended.length > 0);
    expect(late.ended).toEqual([]);
    clock.advance(19);
    await until(() => late.ended.length > 0);
    expect(late.ended).toEqual([expect.objectContaining({ reason: 'expired' })]);
  });

  it('are not ended for an older response when a newer one shows that the token is active again', async () => {
    const { authenticate } = await start();
    const old = await sessionOf(authenticate);
    await authenticate.invalidate({ sub: 'alice' });
    const { ended } = await monitor(authenticate);
    const endedOld: unknown[] = [];
    monitors.push(monitorToken(old, { onEnd: (error) => void endedOld.push(error) }));
    expect([ended, endedOld]).toEqual([[], INACTIVE]);
  });
});

describe('all monitors of a process', () => {
  it('share one timer', async () => {
    const { authenticate } = await start();
    const setTimeout = jest.spyOn(timers, 'setTimeout');
    const clearTimeout = jest.spyOn(timers, 'clearTimeout');
    const all = [];
    for (let index = 0; index < 50; index++) all.push(await sessionOf(authenticate, `token-${index}`));
    const running = () => {
      const started = setTimeout.mock.results.map(({ value }) => value);
      const cleared = clearTimeout.mock.calls.map(([timer]) => timer);
      return started.filter((timer) => !cleared.includes(timer) && !timer._destroyed).length;
    };
    const before = running();
    for (const session of all) monitors.push(monitorToken(session, { onEnd() {} }));
    expect(running() - before).toBe(1);
    for (const started of monitors) started.stop();
    expect(running()).toBe(before);
    setTimeout.mockRestore();
    clearTimeout.mockRestore();
  });

  it('take at most 1 kB of heap each, and leave nothing behind', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heap = () => {
      for (let round = 0; round < 3; round++) collect();
      return process.memoryUsage().heapUsed;
    };
    const { authenticate } = await start({}, ({ form }) => {
      const token = form.get('token');
      return active({ exp: undefined, sub: `user-${token}`, sid: `session-${token}`, jti: `id-${token}` });
    });
    const COUNT = 2000;
    const sessions: Awaited<ReturnType<typeof sessionOf>>[] = [];
    for (let index = 0; index < COUNT; index++) sessions.push(await sessionOf(authenticate, `token-${index}`));
    const onEnd = () => {};
    /** Heap of a monitor while it runs, and after it has stopped, in bytes. */
    async function measure(): Promise<{ running: number; stopped: number }> {
      const before = heap();
      const started = sessions.map((session) => monitorToken(session, { onEnd }));
      await new Promise((resolve) => setImmediate(resolve));
      const during = heap();
      for (const each of started.splice(0)) each.stop();
      await new Promise((resolve) => setImmediate(resolve));
      return { running: (during - before) / COUNT, stopped: (heap() - before) / COUNT };
    }
    // Node itself allocates now and then, so the lowest of several figures is the right one.
    const figures = [await measure(), await measure(), await measure(), await measure()];
    expect(Math.min(...figures.map(({ running }) => running))).toBeLessThan(1000);
    expect(Math.min(...figures.map(({ stopped }) => stopped))).toBeLessThan(100);
  });
});

describe('a monitor whose clock throws', () => {
  it('ends with that error, and the process goes on', async () => {
    const { clock, authenticate } = await start();
    const one = await monitor(authenticate);
    const failure = new Error('of the clock');
    clock.now = () => {
      throw failure;
    };
    await until(() => one.ended.length > 0);
    expect(one.ended).toEqual([failure]);
    clock.now = () => 0;
  });
});
