import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { withSingleFlight } from '../../lib/cache/single-flight.js';
import { ANY_AGE, type TokenKey, type TokenRecord } from '../../lib/core/lookup.js';
import { createClock, since } from '../support/clock.js';
import { createDeferred, type Deferred } from '../support/deferred.js';
import { measureKeptBytes } from '../support/kept-bytes.js';
import { activeRecord, bearerCredentials, inactiveRecord } from '../support/records.js';

const TOKEN = bearerCredentials('abc', 'digest');
const OTHER_TOKEN = bearerCredentials('def', 'other');
const MAX_AGE_MS = 5000;

/** Each request to the endpoint is answered by the test, by its index. */
function createSingleFlight() {
  const clock = createClock();
  const requests: Deferred<TokenRecord>[] = [];
  const results: [string, TokenRecord][] = [];
  const singleFlight = withSingleFlight(
    () => {
      const response = createDeferred<TokenRecord>();
      requests.push(response);
      return response.promise;
    },
    {
      clock,
      timeoutMs: 3000,
      onResult: ({ digest }, record) => results.push([digest, record]),
      canJoin: (startedAt, { now }) => now.monotonic - startedAt <= MAX_AGE_MS,
      isUsable: (_digest, record, { notBefore }) => record.active && record.askedMonotonic >= notBefore,
    },
  );
  return {
    ...singleFlight,
    clock,
    requests,
    results,
    lookUp(tokenKey: TokenKey, notBefore = ANY_AGE) {
      const response = singleFlight.lookup(tokenKey, since(clock, notBefore));
      // A test need not wait for every lookup.
      response.catch(() => {});
      return response;
    },
    respond: (index: number, record: TokenRecord) => requests[index]?.resolve(record),
    /** An active record of a request that was sent now. */
    recordOfNow: (claims = {}) => activeRecord(claims, { askedAt: clock.now(), askedMonotonic: clock.monotonic() }),
  };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Settles like `promise`, and fails soon if it stays pending. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  let isPending = true;
  const end = () => {
    isPending = false;
  };
  promise.then(end, end);
  for (let turn = 0; turn < 10 && isPending; turn++) await nextTurn();
  if (isPending) throw new Error('The promise stays pending');
  return promise;
}

describe('withSingleFlight', () => {
  it('sends one request for concurrent lookups of a token, and reports one result', async () => {
    const { lookUp, requests, respond, results, coalesced } = createSingleFlight();
    const record = activeRecord();
    const lookups = [1, 2, 3].map(() => lookUp(TOKEN));
    expect(requests).toHaveLength(1);
    respond(0, record);
    expect(await soon(Promise.all(lookups))).toEqual([record, record, record]);
    expect(results).toEqual([['digest', record]]);
    expect(coalesced()).toBe(2);
  });

  it('sends another request for a lookup that starts after the response', async () => {
    const { lookUp, requests, respond, coalesced } = createSingleFlight();
    const first = lookUp(TOKEN);
    respond(0, activeRecord());
    await soon(first);
    lookUp(TOKEN);
    expect(requests).toHaveLength(2);
    expect(coalesced()).toBe(0);
  });

  it('does not start a third lookup of a token while two run, also if a later lookup between them has ended', async () => {
    const { lookUp, clock, requests, respond, recordOfNow } = createSingleFlight();
    lookUp(TOKEN);
    clock.advance(1);
    const second = lookUp(TOKEN, clock.monotonic());
    respond(1, recordOfNow());
    await soon(second);
    clock.advance(1);
    lookUp(TOKEN, clock.monotonic());
    clock.advance(1);
    const fourth = lookUp(TOKEN, clock.monotonic());
    expect(requests).toHaveLength(3);
    respond(0, recordOfNow());
    respond(2, recordOfNow());
    await nextTurn();
    respond(3, recordOfNow());
    expect(await soon(fourth)).toMatchObject({ active: true });
  });

  it('rejects a request at its deadline, also if it waits for a lookup that started after it arrived', async () => {
    const { lookup, lookUp, clock } = createSingleFlight();
    const arrived = since(clock);
    clock.advance(2.999);
    lookUp(TOKEN);
    await expect(lookup(TOKEN, arrived)).rejects.toMatchObject({ code: 'timeout' });
  });

  it('does not share a lookup between tokens', async () => {
    const { lookUp, respond, results } = createSingleFlight();
    const lookups = [lookUp(TOKEN), lookUp(OTHER_TOKEN)];
    respond(0, activeRecord({ sub: 'alice' }));
    respond(1, activeRecord({ sub: 'bob' }));
    expect(await soon(Promise.all(lookups))).toEqual([activeRecord({ sub: 'alice' }), activeRecord({ sub: 'bob' })]);
    expect(results.map(([digest]) => digest)).toEqual(['digest', 'other']);
  });

  it('rejects all lookups that share a failed request, and keeps nothing of it', async () => {
    const { lookUp, requests, respond, results } = createSingleFlight();
    const lookups = [lookUp(TOKEN), lookUp(TOKEN)];
    const failure = new Error('down');
    requests[0]?.reject(failure);
    expect(await soon(Promise.allSettled(lookups))).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ]);
    expect(results).toEqual([]);
    const retry = lookUp(TOKEN);
    respond(1, activeRecord());
    expect(await soon(retry)).toEqual(activeRecord());
  });

  it('accepts an inner lookup that returns its record without a promise', async () => {
    const results: string[] = [];
    const { lookup } = withSingleFlight(() => activeRecord(), {
      clock: createClock(),
      timeoutMs: 3000,
      onResult: ({ digest }) => results.push(digest),
      canJoin: () => true,
      isUsable: () => true,
    });
    expect(await soon(lookup(TOKEN, since(createClock())))).toEqual(activeRecord());
    expect(results).toEqual(['digest']);
  });

  it('sends another request when a lookup requires a response newer than the pending one, and reports only the newer', async () => {
    const { lookUp, clock, requests, respond, results, recordOfNow } = createSingleFlight();
    const oldRecord = activeRecord({ sub: 'old' });
    const first = lookUp(TOKEN);
    clock.advance(2);
    const newRecord = recordOfNow({ sub: 'new' });
    const fresh = lookUp(TOKEN, clock.monotonic() - 1000);
    const joining = lookUp(TOKEN, clock.monotonic());
    expect(requests).toHaveLength(2);
    respond(1, newRecord);
    respond(0, oldRecord);
    expect(await soon(Promise.all([first, fresh, joining]))).toEqual([oldRecord, newRecord, newRecord]);
    expect(results).toEqual([['digest', newRecord]]);
  });

  it('reports the response of an earlier request when a later one failed', async () => {
    const { lookUp, clock, requests, respond, results } = createSingleFlight();
    const first = lookUp(TOKEN);
    clock.advance(2);
    const fresh = lookUp(TOKEN, clock.monotonic());
    requests[1]?.reject(new Error('down'));
    await expect(soon(fresh)).rejects.toThrow('down');
    respond(0, activeRecord());
    expect(await soon(first)).toEqual(activeRecord());
    expect(results).toEqual([['digest', activeRecord()]]);
  });

  it('lets a lookup join when the pending request is as new as required', async () => {
    const { lookUp, clock, requests, coalesced } = createSingleFlight();
    lookUp(TOKEN);
    lookUp(TOKEN, clock.monotonic());
    expect([requests.length, coalesced()]).toEqual([1, 1]);
  });

  it('lets no lookup join a request that `canJoin` excludes', async () => {
    const { lookUp, clock, requests, respond } = createSingleFlight();
    const first = lookUp(TOKEN);
    clock.advance(MAX_AGE_MS / 1000);
    lookUp(TOKEN);
    expect(requests).toHaveLength(1);
    clock.advance(0.001);
    const late = lookUp(TOKEN);
    expect(requests).toHaveLength(2);
    respond(0, activeRecord({ sub: 'old' }));
    respond(1, activeRecord({ sub: 'new' }));
    expect(await soon(Promise.all([first, late]))).toMatchObject([
      { claims: { sub: 'old' } },
      { claims: { sub: 'new' } },
    ]);
  });

  it('sends at most two requests for a token at a time; further lookups wait and share the next request', async () => {
    const { lookUp, clock, requests, respond, recordOfNow } = createSingleFlight();
    const lookups: Promise<TokenRecord>[] = [];
    for (let count = 0; count < 100; count++) {
      lookups.push(lookUp(TOKEN, clock.monotonic()));
      clock.advance(0.001);
    }
    expect(requests).toHaveLength(2);
    respond(0, recordOfNow());
    respond(1, recordOfNow());
    await soon(Promise.all(lookups.slice(0, 2)));
    await nextTurn();
    expect(requests).toHaveLength(3);
    const record = recordOfNow();
    respond(2, record);
    expect(await soon(Promise.all(lookups.slice(2)))).toEqual(Array(98).fill(record));
  });

  it('sends the next request for the waiting lookups when the pending requests failed', async () => {
    const { lookUp, clock, requests, respond, recordOfNow } = createSingleFlight();
    const lookups: Promise<unknown>[] = [];
    for (let count = 0; count < 3; count++) {
      lookups.push(lookUp(TOKEN, clock.monotonic()).catch((error: Error) => error.message));
      clock.advance(0.001);
    }
    requests[0]?.reject(new Error('failed'));
    requests[1]?.reject(new Error('failed'));
    await soon(Promise.all(lookups.slice(0, 2)));
    await nextTurn();
    const record = recordOfNow();
    respond(2, record);
    expect(await soon(Promise.all(lookups))).toEqual(['failed', 'failed', record]);
  });

  it('keeps no memory for tokens whose lookups have ended', async () => {
    const record = activeRecord();
    const clock = createClock();
    const { lookup, coalesced } = withSingleFlight(() => record, {
      ...{ clock, timeoutMs: 3000, onResult() {}, canJoin: () => true, isUsable: () => true },
    });
    const keptBytes = await measureKeptBytes(async () => {
      for (let count = 0; count < 10_000; count++)
        await lookup(bearerCredentials('abc', `digest-${count}`), since(clock));
    });
    // This use keeps the lookups themselves from being garbage.
    expect(coalesced()).toBe(0);
    expect(keptBytes).toBeLessThan(500_000);
  });

  it('sends one more request for all lookups that joined and may not use the response', async () => {
    const { lookUp, requests, respond, recordOfNow } = createSingleFlight();
    const first = lookUp(TOKEN);
    const joined = [lookUp(TOKEN), lookUp(TOKEN)];
    respond(0, inactiveRecord());
    await soon(first);
    await nextTurn();
    expect(requests).toHaveLength(2);
    const record = recordOfNow();
    respond(1, record);
    expect(await soon(Promise.all(joined))).toEqual([record, record]);
  });
});

describe('the time limit of a request', () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  it('also ends the wait for the end of two other lookups', async () => {
    const { lookup, lookUp, clock, requests } = createSingleFlight();
    for (let count = 0; count < 2; count++) {
      lookUp(TOKEN, clock.monotonic()).catch(() => {});
      clock.advance(0.001);
    }
    const arrived = since(clock, clock.monotonic());
    clock.advance(2.999);
    await expect(lookup(TOKEN, arrived)).rejects.toMatchObject({ code: 'overloaded' });
    for (const request of requests) request.reject(new Error('down'));
    await nextTurn();
    expect(requests).toHaveLength(2);
  });

  it('does not limit a request that joins a lookup which started before it arrived, or at the same time', async () => {
    const { lookUp, clock, respond, recordOfNow } = createSingleFlight();
    const before = timers();
    lookUp(TOKEN);
    const joined = [lookUp(TOKEN)];
    clock.advance(1);
    joined.push(lookUp(TOKEN));
    expect(timers()).toBe(before);
    const record = recordOfNow();
    respond(0, record);
    expect(await soon(Promise.all(joined))).toEqual([record, record]);
  });

  it('leaves no timer', async () => {
    const { lookup, lookUp, clock, respond, requests, recordOfNow } = createSingleFlight();
    const before = timers();
    const early = since(clock);
    clock.advance(0.001);
    const lookups = [lookUp(TOKEN)];
    lookups.push(lookup(TOKEN, early));
    for (let count = 0; count < 2; count++) {
      clock.advance(0.001);
      lookups.push(lookUp(TOKEN, clock.monotonic()));
    }
    expect([requests.length, timers()]).toEqual([2, before + 2]);
    for (const index of [0, 1]) respond(index, recordOfNow());
    await nextTurn();
    respond(2, recordOfNow());
    await soon(Promise.all(lookups));
    await nextTurn();
    expect(timers()).toBe(before);
  });

  it('counts from the arrival of the request, and the next lookup begins when it is sent', async () => {
    const starts: number[] = [];
    const clock = createClock();
    const responses = [1, 2, 3].map(() => createDeferred<TokenRecord>());
    const { lookup } = withSingleFlight(
      (_tokenKey, { now }) => {
        starts.push(now.monotonic);
        return responses[starts.length - 1]?.promise as Promise<TokenRecord>;
      },
      { clock, timeoutMs: 3000, onResult() {}, canJoin: () => true, isUsable: () => true },
    );
    const lookups = [0, 1, 2].map(() => {
      clock.advance(0.001);
      return lookup(TOKEN, since(clock, clock.monotonic()));
    });
    clock.advance(1);
    for (const response of responses) response.resolve(activeRecord());
    await soon(Promise.all(lookups));
    expect(starts).toEqual([1001, 1002, 2003]);
  });
});

describe('forget and forgetAll', () => {
  it.each(['forget', 'forgetAll'] as const)(
    '%s leaves the response to earlier lookups, hides it from later ones, and does not report it',
    async (method) => {
      const singleFlight = createSingleFlight();
      const { lookUp, respond, results } = singleFlight;
      const [before, after] = [activeRecord({ sub: 'before' }), activeRecord({ sub: 'after' })];
      const early = lookUp(TOKEN);
      singleFlight[method]('digest');
      const late = lookUp(TOKEN);
      respond(0, before);
      expect(await soon(early)).toBe(before);
      expect(results).toEqual([]);
      respond(1, after);
      expect(await soon(late)).toBe(after);
      expect(results).toEqual([['digest', after]]);
    },
  );

  it('forget returns nothing for a token without pending lookups', async () => {
    const { lookUp, forget, respond } = createSingleFlight();
    expect(forget('digest')).toHaveLength(0);
    const lookup = lookUp(TOKEN);
    respond(0, activeRecord());
    await soon(lookup);
    expect(forget('digest')).toHaveLength(0);
  });

  it('forget detaches both pending lookups of its token, and no other', async () => {
    const { lookUp, clock, forget, requests, respond, results } = createSingleFlight();
    const lookups = [lookUp(TOKEN), lookUp(TOKEN, clock.monotonic() + 1), lookUp(OTHER_TOKEN)];
    expect(requests).toHaveLength(3);
    const responses = forget('digest');
    for (const index of [0, 1, 2]) respond(index, activeRecord());
    expect(await soon(Promise.all(lookups))).toEqual(Array(3).fill(activeRecord()));
    expect(await soon(Promise.all(responses))).toEqual(Array(2).fill(activeRecord()));
    expect(results).toEqual([['other', activeRecord()]]);
  });

  it('forgetAll detaches all pending lookups of all tokens', async () => {
    const { lookUp, clock, forgetAll, has, requests, respond, results } = createSingleFlight();
    const lookups = [lookUp(TOKEN), lookUp(TOKEN, clock.monotonic() + 1), lookUp(OTHER_TOKEN)];
    expect(requests).toHaveLength(3);
    forgetAll();
    expect([has(TOKEN, since(clock)), has(OTHER_TOKEN, since(clock))]).toEqual([false, false]);
    for (const index of [0, 1, 2]) respond(index, activeRecord());
    expect(await soon(Promise.all(lookups))).toEqual(Array(3).fill(activeRecord()));
    expect(results).toEqual([]);
  });

  it('forget leaves a later lookup pending when the detached one fails', async () => {
    const { lookUp, forget, requests, respond } = createSingleFlight();
    const early = lookUp(TOKEN);
    forget('digest');
    const late = lookUp(TOKEN);
    requests[0]?.reject(new Error('down'));
    await expect(soon(early)).rejects.toThrow('down');
    const joined = lookUp(TOKEN);
    expect(requests).toHaveLength(2);
    respond(1, activeRecord());
    expect(await soon(Promise.all([late, joined]))).toEqual([activeRecord(), activeRecord()]);
  });
});

describe('forgetWhere', () => {
  it('leaves a matching response to earlier lookups, and hides it from later ones', async () => {
    const { lookUp, forgetWhere, requests, respond, results, recordOfNow } = createSingleFlight();
    const before = [lookUp(TOKEN)];
    forgetWhere((record) => record.active && record.claims.sub === 'bob');
    before.push(lookUp(TOKEN));
    forgetWhere((record) => record.active && record.claims.sub === 'alice');
    const after = lookUp(TOKEN);
    expect(requests).toHaveLength(1);
    const oldRecord = recordOfNow({ sub: 'alice' });
    respond(0, oldRecord);
    expect(await soon(Promise.all(before))).toEqual([oldRecord, oldRecord]);
    await nextTurn();
    const newRecord = recordOfNow({ sub: 'alice', jti: 'new' });
    respond(1, newRecord);
    expect(await soon(after)).toBe(newRecord);
    expect(results).toEqual([['digest', newRecord]]);
  });

  it('hides a matching response from a later lookup although the pending one was detached and other lookups have ended', async () => {
    const { lookUp, requests, respond, forgetWhere, forget } = createSingleFlight();
    const first = lookUp(TOKEN);
    forgetWhere((record) => record.active && record.claims.sub === 'alice');
    const later = lookUp(TOKEN);
    forget('digest');
    const other = lookUp(OTHER_TOKEN);
    respond(1, activeRecord());
    await soon(other);
    respond(0, activeRecord({ sub: 'alice' }));
    await soon(first);
    await nextTurn();
    expect(requests).toHaveLength(3);
    const renewed = activeRecord({ sub: 'alice' }, { askedAt: 0, askedMonotonic: Number.POSITIVE_INFINITY });
    respond(2, renewed);
    expect(await soon(later)).toBe(renewed);
  });

  it('makes a later lookup start another one, and not join one that began before it', async () => {
    const { lookUp, forgetWhere, clock, requests, respond, recordOfNow } = createSingleFlight();
    lookUp(TOKEN);
    clock.advance(1);
    lookUp(TOKEN, clock.monotonic());
    forgetWhere((record) => record.active && record.claims.sub === 'alice');
    clock.advance(1);
    const later = lookUp(TOKEN);
    respond(1, recordOfNow({ sub: 'alice' }));
    await nextTurn();
    expect(requests).toHaveLength(3);
    const record = recordOfNow({ sub: 'alice' });
    respond(2, record);
    expect(await soon(later)).toBe(record);
  });

  it('does not affect a response that does not match', async () => {
    const { lookUp, forgetWhere, requests, respond, results, recordOfNow } = createSingleFlight();
    const before = lookUp(TOKEN);
    forgetWhere((record) => record.active && record.claims.sub === 'bob');
    const after = lookUp(TOKEN);
    const record = recordOfNow({ sub: 'alice' });
    respond(0, record);
    expect(await soon(Promise.all([before, after]))).toEqual([record, record]);
    expect([requests.length, results]).toEqual([1, [['digest', record]]]);
  });

  it('does not affect a lookup that begins later, although another one is pending', async () => {
    const { lookUp, forgetWhere, respond, results, recordOfNow } = createSingleFlight();
    lookUp(OTHER_TOKEN);
    forgetWhere((record) => record.active && record.claims.sub === 'alice');
    const later = lookUp(TOKEN);
    forgetWhere((record) => record.active && record.claims.sub === 'bob');
    const record = recordOfNow({ sub: 'alice' });
    respond(1, record);
    await soon(later);
    expect(results).toEqual([['digest', record]]);
  });

  it('affects a running lookup although others end, for which earlier calls were made', async () => {
    const { lookUp, forgetWhere, respond, results } = createSingleFlight();
    const lookups: Promise<TokenRecord>[] = [];
    for (const sub of ['bob', 'carol', 'alice']) {
      lookups.push(lookUp(bearerCredentials(sub, sub)));
      forgetWhere((record) => record.active && record.claims.sub === sub);
      if (sub === 'bob') {
        respond(0, activeRecord());
        await soon(Promise.all(lookups));
      }
    }
    respond(1, activeRecord());
    await nextTurn();
    respond(2, activeRecord({ sub: 'alice' }));
    await soon(Promise.all(lookups));
    expect(results.map(([digest]) => digest)).toEqual(['bob', 'carol']);
  });

  it('keeps nothing while no lookup is running', async () => {
    const { forgetWhere, coalesced } = createSingleFlight();
    const keptBytes = await measureKeptBytes(() => {
      for (let count = 0; count < 20_000; count++) forgetWhere((record) => record.askedAt === count);
    });
    // This use keeps the lookups themselves from being garbage.
    expect(coalesced()).toBe(0);
    expect(keptBytes).toBeLessThan(500_000);
  });

  it('keeps only invalidations that may apply to a running lookup, although there is always one', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { lookUp, forgetWhere, respond, results } = createSingleFlight();
    const kept: WeakRef<object>[] = [];
    const lookups = [lookUp(bearerCredentials('0', '0'))];
    for (let index = 0; index < 20; index++) {
      const matches = () => index === 19;
      kept.push(new WeakRef(matches));
      forgetWhere(matches);
      lookups.push(lookUp(bearerCredentials(`${index + 1}`, `${index + 1}`)));
      if (index === 19) break;
      respond(index, activeRecord());
      await lookups[index];
    }
    await nextTurn();
    collect();
    // The 20th lookup began after 19 invalidations, so only the last one may apply to it.
    expect(kept.map((matches) => matches.deref() !== undefined)).toEqual([...Array(19).fill(false), true]);
    respond(19, activeRecord());
    respond(20, activeRecord());
    await soon(Promise.all(lookups));
    expect(results.map(([digest]) => digest)).not.toContain('19');
    expect(results).toHaveLength(20);
  });
});
