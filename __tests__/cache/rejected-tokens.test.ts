import { rememberRejections } from '../../lib/cache/rejected-tokens.js';
import { AuthError } from '../../lib/core/errors.js';
import type { TokenRecord } from '../../lib/core/lookup.js';
import { limitMemory } from '../../lib/core/precheck.js';
import { createClock, since } from '../support/clock.js';
import { activeRecord, bearerCredentials } from '../support/records.js';

/** A lookup that remembers rejections, over one whose outcomes a test sets. */
function create({ ttlMs = 5000, maxEntries = 20 } = {}) {
  const clock = createClock();
  let lookups = 0;
  const endpoint = { respond: (): TokenRecord => activeRecord() };
  const lookup = rememberRejections(
    () => {
      lookups++;
      return endpoint.respond();
    },
    { monotonic: clock.monotonic, ttlMs, maxEntries },
  );
  return {
    ...{ clock, endpoint, lookups: () => lookups },
    lookUp: (token: string) => lookup(bearerCredentials(token, token), since(clock)),
    /** Looks up a token that is rejected with this error. */
    async reject(token: string, error: unknown) {
      endpoint.respond = () => {
        throw error;
      };
      await expect(lookup(bearerCredentials(token, token), since(clock))).rejects.toBe(error);
    },
  };
}

const rejection = () => new AuthError('inactive');

describe('the rejection of a precheck', () => {
  it('is remembered until the inactive ttl ends', async () => {
    const { clock, lookUp, lookups, reject } = create();
    await reject('a', rejection());
    clock.advance(4.999);
    await expect(lookUp('a')).rejects.toMatchObject({ reason: 'inactive' });
    expect(lookups()).toBe(1);
    clock.advance(0.001);
    await expect(lookUp('a')).rejects.toMatchObject({ reason: 'inactive' });
    expect(lookups()).toBe(2);
  });

  it('is remembered for a shorter time if the rejection says so, and never for a longer one', async () => {
    const { clock, lookUp, lookups, reject } = create();
    await reject('a', limitMemory(rejection(), 1000));
    await reject('b', limitMemory(rejection(), 60_000));
    clock.advance(0.999);
    await expect(lookUp('a')).rejects.toThrow();
    expect(lookups()).toBe(2);
    clock.advance(0.001);
    await expect(lookUp('a')).rejects.toThrow();
    expect(lookups()).toBe(3);
    clock.advance(4);
    await expect(lookUp('b')).rejects.toThrow();
    expect(lookups()).toBe(4);
  });

  it.each([
    ['the ttl is 0', 0, rejection()],
    ['the rejection forbids it', 5000, limitMemory(rejection(), 0)],
    ['the time is not a number', 5000, limitMemory(rejection(), Number.NaN)],
  ])('is not remembered if %s', async (_name, ttlMs, error) => {
    const { lookUp, lookups, endpoint, reject } = create({ ttlMs });
    await reject('a', error);
    endpoint.respond = () => activeRecord();
    expect(await lookUp('a')).toEqual(activeRecord());
    expect(lookups()).toBe(2);
  });

  it('is thrown as a copy, because each request changes its error', async () => {
    const { lookUp, reject } = create();
    const error = new AuthError('insufficient_scope', ['read']);
    await reject('a', error);
    const copies = await Promise.all([lookUp('a'), lookUp('a')].map((lookup) => lookup.catch((copy) => copy)));
    for (const copy of copies) expect(copy).toMatchObject({ reason: 'insufficient_scope', scopes: ['read'] });
    expect(new Set([error, ...copies]).size).toBe(3);
  });

  it('is remembered for its token only, and no other error is remembered', async () => {
    const { lookUp, lookups, endpoint, reject } = create();
    await reject('a', rejection());
    await reject('b', new Error('down'));
    endpoint.respond = () => activeRecord();
    expect(await Promise.all([lookUp('b'), lookUp('c')])).toHaveLength(2);
    await expect(lookUp('a')).rejects.toMatchObject({ reason: 'inactive' });
    expect(lookups()).toBe(4);
  });

  it('is forgotten when a tenth as many newer ones came as active responses may be kept', async () => {
    const { lookUp, lookups, reject } = create({ maxEntries: 20 });
    await reject('a', rejection());
    await reject('b', rejection());
    await expect(lookUp('a')).rejects.toThrow();
    expect(lookups()).toBe(2);
    await reject('c', rejection());
    for (const token of ['b', 'c']) await expect(lookUp(token)).rejects.toThrow();
    expect(lookups()).toBe(3);
    await expect(lookUp('a')).rejects.toThrow();
    expect(lookups()).toBe(4);
  });

  it('that is not remembered makes no other one forgotten', async () => {
    const { lookUp, lookups, reject } = create({ maxEntries: 20 });
    for (const token of ['a', 'b']) await reject(token, rejection());
    await reject('c', limitMemory(rejection(), 0));
    for (const token of ['a', 'b']) await expect(lookUp(token)).rejects.toThrow();
    expect(lookups()).toBe(3);
  });

  it('counts as new when the token is rejected again', async () => {
    const { clock, lookUp, lookups, reject } = create({ maxEntries: 20 });
    await reject('a', limitMemory(rejection(), 1000));
    await reject('b', rejection());
    clock.advance(1);
    await reject('a', rejection());
    await reject('c', rejection());
    await expect(lookUp('a')).rejects.toThrow();
    expect(lookups()).toBe(4);
    await expect(lookUp('b')).rejects.toThrow();
    expect(lookups()).toBe(5);
  });
});
