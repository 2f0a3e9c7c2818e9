import { withSingleFlight } from '../../lib/cache/single-flight.js';
import { ANY_AGE, type TokenKey, type TokenRecord } from '../../lib/core/lookup.js';
import { createClock, since } from '../support/clock.js';
import { createDeferred, type Deferred } from '../support/deferred.js';
import { activeRecord, inactiveRecord, questionOf } from '../support/records.js';

const QUESTION = questionOf('abc');
const OTHER = questionOf('def', 'other');
const OLDEST_MS = 5000;

function createFlights() {
  const clock = createClock();
  const asked: Deferred<TokenRecord>[] = [];
  const landed: [string, TokenRecord][] = [];
  const flights = withSingleFlight(
    () => {
      const answer = createDeferred<TokenRecord>();
      asked.push(answer);
      return answer.promise;
    },
    {
      clock,
      timeoutMs: 3000,
      onResult: ({ digest: key }, record) => landed.push([key, record]),
      canJoin: (startedAt, { now }) => now.monotonic - startedAt <= OLDEST_MS,
      isUsable: (_key, record, { notBefore }) => record.active && record.askedMonotonic >= notBefore,
    },
  );
  const answer = (index: number, record: TokenRecord) => asked[index]?.resolve(record);
  const ask = (question: TokenKey, notBefore = ANY_AGE) => flights.lookup(question, since(clock, notBefore));
  return { ...flights, ask, clock, asked, landed, answer };
}

describe('one flight a key', () => {
  it('brings one answer to all who ask meanwhile, and lands once', async () => {
    const flights = createFlights();
    const record = activeRecord();
    const waiting = [1, 2, 3].map(() => flights.ask(QUESTION));
    expect(flights.asked).toHaveLength(1);
    flights.answer(0, record);
    expect(await Promise.all(waiting)).toEqual([record, record, record]);
    expect(flights.landed).toEqual([['key', record]]);
    expect(flights.coalesced()).toBe(2);
  });

  it('ends with its answer: who asks later starts another', async () => {
    const flights = createFlights();
    const first = flights.ask(QUESTION);
    flights.answer(0, activeRecord());
    await first;
    flights.ask(QUESTION);
    expect(flights.asked).toHaveLength(2);
    expect(flights.coalesced()).toBe(0);
  });

  it('is not shared between keys', async () => {
    const flights = createFlights();
    const waiting = [flights.ask(QUESTION), flights.ask(OTHER)];
    flights.answer(0, activeRecord({ sub: 'alice' }));
    flights.answer(1, activeRecord({ sub: 'bob' }));
    expect(await Promise.all(waiting)).toEqual([activeRecord({ sub: 'alice' }), activeRecord({ sub: 'bob' })]);
    expect(flights.landed.map(([key]) => key)).toEqual(['key', 'other']);
  });

  it('shares a failure with its waiters and keeps nothing of it', async () => {
    const flights = createFlights();
    const waiting = [flights.ask(QUESTION), flights.ask(QUESTION)];
    const failure = new Error('down');
    flights.asked[0]?.reject(failure);
    expect(await Promise.allSettled(waiting)).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ]);
    expect(flights.landed).toEqual([]);
    const again = flights.ask(QUESTION);
    flights.answer(1, activeRecord());
    expect(await again).toEqual(activeRecord());
  });

  it('takes an answer that is there at once', async () => {
    const landed: string[] = [];
    const flights = withSingleFlight(() => activeRecord(), {
      clock: createClock(),
      timeoutMs: 3000,
      onResult: ({ digest: key }) => landed.push(key),
      canJoin: () => true,
      isUsable: () => true,
    });
    expect(await flights.lookup(QUESTION, since(createClock()))).toEqual(activeRecord());
    expect(landed).toEqual(['key']);
  });

  it.each(['forget', 'forgetAll'] as const)(
    'still answers who boarded before %s, but nobody later, and does not land',
    async (method) => {
      const flights = createFlights();
      const [before, after] = [activeRecord({ sub: 'before' }), activeRecord({ sub: 'after' })];
      const boarded = flights.ask(QUESTION);
      flights[method]('key');
      const late = flights.ask(QUESTION);
      flights.answer(0, before);
      expect(await boarded).toBe(before);
      expect(flights.landed).toEqual([]);
      flights.answer(1, after);
      expect(await late).toBe(after);
      expect(flights.landed).toEqual([['key', after]]);
    },
  );

  it('does not end a later flight when a forgotten one fails', async () => {
    const flights = createFlights();
    const boarded = flights.ask(QUESTION);
    flights.forget('key');
    const late = flights.ask(QUESTION);
    flights.asked[0]?.reject(new Error('down'));
    await expect(boarded).rejects.toThrow('down');
    const joined = flights.ask(QUESTION);
    expect(flights.asked).toHaveLength(2);
    flights.answer(1, activeRecord());
    expect(await Promise.all([late, joined])).toEqual([activeRecord(), activeRecord()]);
  });

  it('carries nobody who needs an answer asked for later than it started, and is overtaken by theirs', async () => {
    const flights = createFlights();
    const old = activeRecord({ sub: 'old' });
    const boarded = flights.ask(QUESTION);
    flights.clock.advance(2);
    const now = { askedAt: flights.clock.now(), askedMonotonic: flights.clock.monotonic() };
    const fresh = activeRecord({ sub: 'fresh' }, now);
    const demanding = flights.ask(QUESTION, flights.clock.monotonic() - 1000);
    const joining = flights.ask(QUESTION, flights.clock.monotonic());
    expect(flights.asked).toHaveLength(2);
    flights.answer(1, fresh);
    flights.answer(0, old);
    expect(await Promise.all([boarded, demanding, joining])).toEqual([old, fresh, fresh]);
    expect(flights.landed).toEqual([['key', fresh]]);
  });

  it('lands when the one started after it has failed', async () => {
    const flights = createFlights();
    const boarded = flights.ask(QUESTION);
    flights.clock.advance(2);
    const demanding = flights.ask(QUESTION, flights.clock.monotonic());
    flights.asked[1]?.reject(new Error('down'));
    await expect(demanding).rejects.toThrow('down');
    flights.answer(0, activeRecord());
    expect(await boarded).toEqual(activeRecord());
    expect(flights.landed).toEqual([['key', activeRecord()]]);
  });

  it('forgets all flights in the air', async () => {
    const flights = createFlights();
    const waiting = [flights.ask(QUESTION), flights.ask(QUESTION, 1001)];
    flights.forget('key');
    flights.answer(0, activeRecord());
    flights.answer(1, activeRecord());
    expect(await Promise.all(waiting)).toEqual([activeRecord(), activeRecord()]);
    expect(flights.landed).toEqual([]);
  });

  it('carries who needs an answer no older than its start', async () => {
    const flights = createFlights();
    flights.ask(QUESTION);
    flights.ask(QUESTION, flights.clock.monotonic());
    expect([flights.asked.length, flights.coalesced()]).toEqual([1, 1]);
  });

  it('is not joined once it is older than a response may be', async () => {
    const flights = createFlights();
    const boarded = flights.ask(QUESTION);
    flights.clock.advance(OLDEST_MS / 1000);
    flights.ask(QUESTION);
    expect(flights.asked).toHaveLength(1);
    flights.clock.advance(0.001);
    const late = flights.ask(QUESTION);
    expect(flights.asked).toHaveLength(2);
    flights.answer(0, activeRecord({ sub: 'old' }));
    flights.answer(1, activeRecord({ sub: 'new' }));
    expect(await Promise.all([boarded, late])).toMatchObject([{ claims: { sub: 'old' } }, { claims: { sub: 'new' } }]);
  });

  it('asks at most twice side by side about one token; later requests wait, and share the next question', async () => {
    const flights = createFlights();
    const asking: Promise<TokenRecord>[] = [];
    for (let request = 0; request < 100; request++) {
      asking.push(flights.ask(QUESTION, flights.clock.monotonic()));
      flights.clock.advance(0.001);
    }
    expect(flights.asked).toHaveLength(2);
    flights.answer(0, activeRecord({}, { askedAt: 0, askedMonotonic: flights.clock.monotonic() }));
    flights.answer(1, activeRecord({}, { askedAt: 0, askedMonotonic: flights.clock.monotonic() }));
    await Promise.all(asking.slice(0, 2));
    await new Promise((resolve) => setImmediate(resolve));
    expect(flights.asked).toHaveLength(3);
    const record = activeRecord({}, { askedAt: 0, askedMonotonic: flights.clock.monotonic() });
    flights.answer(2, record);
    expect(await Promise.all(asking.slice(2))).toEqual(Array(98).fill(record));
  });

  it('asks for those who waited after a question that failed', async () => {
    const flights = createFlights();
    const asking: Promise<unknown>[] = [];
    for (let request = 0; request < 3; request++) {
      asking.push(flights.ask(QUESTION, flights.clock.monotonic()).catch((error: Error) => error.message));
      flights.clock.advance(0.001);
    }
    flights.asked[0]?.reject(new Error('failed'));
    flights.asked[1]?.reject(new Error('failed'));
    await Promise.all(asking.slice(0, 2));
    await new Promise((resolve) => setImmediate(resolve));
    const record = activeRecord({}, { askedAt: 0, askedMonotonic: flights.clock.monotonic() });
    flights.answer(2, record);
    expect(await Promise.all(asking)).toEqual(['failed', 'failed', record]);
  });

  it('asks once more for all who joined and cannot use the response', async () => {
    const flights = createFlights();
    const first = flights.ask(QUESTION);
    const joined = [flights.ask(QUESTION), flights.ask(QUESTION)];
    flights.answer(0, inactiveRecord());
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    expect(flights.asked).toHaveLength(2);
    const record = activeRecord({}, { askedAt: 0, askedMonotonic: flights.clock.monotonic() });
    flights.answer(1, record);
    expect(await Promise.all(joined)).toEqual([record, record]);
  });

  it('gives a response that was invalidated meanwhile to those who came before, and keeps it from all others', async () => {
    const flights = createFlights();
    const ofAlice = (record: TokenRecord) => record.active && record.claims.sub === 'alice';
    const before = [flights.ask(QUESTION), flights.ask(QUESTION)];
    flights.forgetWhere(ofAlice);
    const after = flights.ask(QUESTION);
    expect(flights.asked).toHaveLength(1);
    const now = { askedAt: 0, askedMonotonic: flights.clock.monotonic() };
    const old = activeRecord({ sub: 'alice' }, now);
    flights.answer(0, old);
    expect(await Promise.all(before)).toEqual([old, old]);
    await new Promise((resolve) => setImmediate(resolve));
    const fresh = activeRecord({ sub: 'alice', jti: 'new' }, now);
    flights.answer(1, fresh);
    expect(await after).toBe(fresh);
    expect(flights.landed).toEqual([['key', fresh]]);
  });

  it('is not disturbed by the invalidation of somebody else', async () => {
    const flights = createFlights();
    const before = flights.ask(QUESTION);
    flights.forgetWhere((record) => record.active && record.claims.sub === 'bob');
    const after = flights.ask(QUESTION);
    const record = activeRecord({ sub: 'alice' }, { askedAt: 0, askedMonotonic: flights.clock.monotonic() });
    flights.answer(0, record);
    expect(await Promise.all([before, after])).toEqual([record, record]);
    expect([flights.asked.length, flights.landed]).toEqual([1, [['key', record]]]);
  });
});
