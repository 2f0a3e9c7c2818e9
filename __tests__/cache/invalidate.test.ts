import { createInvalidator } from '../../lib/cache/invalidate.js';
import type { TokenRecord } from '../../lib/core/lookup.js';
import { createDeferred } from '../support/deferred.js';
import { activeRecord, bearerCredentials, inactiveRecord } from '../support/records.js';
import { until } from '../support/until.js';

const TOKEN = bearerCredentials('token', 'digest');

interface Caches {
  /** The record of the token in memory. */
  readonly cached?: TokenRecord;
  /** The pending lookups of the token. */
  readonly pending?: () => readonly Promise<TokenRecord>[];
  /** The record of the token in the store. */
  readonly stored?: () => Promise<TokenRecord | undefined>;
  readonly revoke?: () => Promise<void>;
}

/** An invalidator, and everything that it has done. */
function create({ cached, pending = () => [], stored, revoke = async () => {} }: Caches) {
  const done: string[] = [];
  const invalidator = createInvalidator({
    cached: {
      peek: (digest: string) => (digest === TOKEN.digest ? cached : undefined),
      forget(digest: string) {
        done.push(`cache: token ${digest}`);
        return pending();
      },
      forgetClaim: (name: string, value: string) => void done.push(`cache: ${name} ${value}`),
    } as never,
    events: {
      forget: (digest: string) => void done.push(`events: token ${digest}`),
      forgetClaim: (name: string, value: string) => void done.push(`events: ${name} ${value}`),
    } as never,
    shared:
      stored === undefined
        ? undefined
        : ({
            revocations: {
              revoke(kind: string, value: string) {
                done.push(`store: ${kind} ${value}`);
                return revoke();
              },
            },
            peek: stored,
          } as never),
  });
  return { ...invalidator, done };
}

const HERE = ['cache: token digest', 'events: token digest'];
const JTI_HERE = ['cache: jti one', 'events: jti one'];
const nothingStored = async () => undefined;

describe('the invalidation of a claim', () => {
  it('applies at once in this process', () => {
    const { claim, done } = create({});
    claim('sub', 'alice');
    expect(done).toEqual(['cache: sub alice', 'events: sub alice']);
  });

  it('resolves when the store has it, and rejects with the store', async () => {
    const stored = createDeferred<void>();
    const { claim, done } = create({ stored: nothingStored, revoke: () => stored.promise });
    let isDone = false;
    const claiming = claim('sub', 'alice').finally(() => {
      isDone = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([isDone, done]).toEqual([false, ['cache: sub alice', 'events: sub alice', 'store: sub alice']]);
    stored.reject(new Error('no connection'));
    await expect(claiming).rejects.toThrow('no connection');
  });
});

describe('the invalidation of a token', () => {
  it.each<[string, Caches, string[]]>([
    ['without a store', {}, HERE],
    ['that is cached with its jti', { cached: activeRecord({ jti: 'one' }) }, [...HERE, ...JTI_HERE]],
    [
      'that is cached as inactive, with its jti',
      { cached: { ...inactiveRecord(), jti: 'one' } },
      [...HERE, ...JTI_HERE],
    ],
    ['that is cached without jti', { cached: activeRecord() }, HERE],
    ['that is pending', { pending: () => [Promise.resolve(activeRecord({ jti: 'one' }))] }, [...HERE, ...JTI_HERE]],
    ['that is pending, without jti', { pending: () => [Promise.resolve(activeRecord())] }, HERE],
    ['whose pending lookup fails', { pending: () => [Promise.reject(new Error('down'))] }, HERE],
    ['with a store that does not know it', { stored: nothingStored }, [...HERE, 'store: token digest']],
    [
      'whose jti only the store knows',
      { stored: async () => activeRecord({ jti: 'one' }) },
      [...HERE, 'store: token digest', ...JTI_HERE, 'store: jti one'],
    ],
    [
      'whose cached jti makes a look into the store unnecessary',
      { cached: activeRecord({ jti: 'one' }), stored: () => Promise.reject(new Error('not asked')) },
      [...HERE, ...JTI_HERE, 'store: token digest', 'store: jti one'],
    ],
  ])('%s', async (_name, caches, expected) => {
    const { token, done } = create(caches);
    await token(TOKEN);
    await until(() => done.length >= expected.length);
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual(expected);
  });

  it.each<[string, Caches]>([
    ['the store cannot save it', { stored: nothingStored, revoke: () => Promise.reject(new Error('no connection')) }],
    ['the store cannot be read', { stored: () => Promise.reject(new Error('no connection')) }],
  ])('rejects if %s', async (_name, caches) => {
    const { token, done } = create(caches);
    await expect(token(TOKEN)).rejects.toThrow('no connection');
    expect(done).toEqual([...HERE, 'store: token digest']);
  });
});
