import { createClaimIndex } from '../../lib/cache/claim-index.js';
import { measureKeptBytes } from '../support/kept-bytes.js';
import { activeRecord } from '../support/records.js';

const ALICE = activeRecord({ sub: 'alice', sid: 's' });
const BOB = activeRecord({ sub: 'bob', sid: 's' });

describe('the claim index', () => {
  it('finds the tokens with a claim value, the first one first', () => {
    const index = createClaimIndex();
    index.add('a', ALICE);
    index.add('long digest', BOB);
    index.add('c', ALICE);
    expect(index.digestsOf('sub', 'alice')).toEqual(['a', 'c']);
    expect(index.digestsOf('sub', 'bob')).toEqual(['long digest']);
    expect(index.digestsOf('sid', 's')).toEqual(['a', 'long digest', 'c']);
    expect([index.digestsOf('sub', 's'), index.digestsOf('jti', 'alice')]).toEqual([[], []]);
  });

  it.each(['sub', 'sid', 'client_id', 'jti'] as const)('knows the claim %s, if it is a text', (name) => {
    const index = createClaimIndex();
    index.add('a', activeRecord({ [name]: 'x' }));
    index.add('b', activeRecord({ [name]: ['x'] }));
    expect(index.digestsOf(name, 'x')).toEqual(['a']);
    index.remove('b', activeRecord({ [name]: ['x'] }));
    expect(index.digestsOf(name, 'x')).toEqual(['a']);
    index.remove('a', activeRecord({ [name]: 'x' }));
    expect(index.digestsOf(name, 'x')).toEqual([]);
  });

  it('holds nothing for a token whose claim is absent or no text', () => {
    const index = createClaimIndex();
    const list = ['x'];
    index.add('a', activeRecord({ jti: list }));
    expect(index.digestsOf('jti', list as never)).toEqual([]);
    expect(index.digestsOf('sid', undefined as never)).toEqual([]);
  });

  it('keeps no memory for tokens that were removed', async () => {
    const index = createClaimIndex();
    const record = (count: number) => activeRecord({ jti: `jti-${count}` });
    const keptBytes = await measureKeptBytes(() => {
      for (let count = 0; count < 20_000; count++) {
        for (const digest of ['a', 'b']) index.add(digest, record(count));
        for (const digest of ['a', 'b']) index.remove(digest, record(count));
      }
    });
    expect(index.digestsOf('jti', 'jti-0')).toEqual([]);
    expect(keptBytes).toBeLessThan(1_000_000);
  });

  it('knows a token once, however often it is added', () => {
    const index = createClaimIndex();
    for (const digest of ['a', 'a', 'b', 'b', 'a']) index.add(digest, ALICE);
    expect(index.digestsOf('sub', 'alice')).toEqual(['a', 'b']);
  });

  it('removes only the token that is to be removed', () => {
    const index = createClaimIndex();
    for (const digest of ['a', 'b', 'c']) index.add(digest, ALICE);
    index.remove('x', ALICE);
    index.remove('a', BOB);
    expect(index.digestsOf('sub', 'alice')).toEqual(['a', 'b', 'c']);
    index.remove('b', ALICE);
    expect(index.digestsOf('sub', 'alice')).toEqual(['a', 'c']);
    index.remove('a', ALICE);
    expect(index.digestsOf('sub', 'alice')).toEqual(['c']);
    index.remove('x', ALICE);
    expect(index.digestsOf('sub', 'alice')).toEqual(['c']);
    index.remove('c', ALICE);
    expect(index.digestsOf('sub', 'alice')).toEqual([]);
  });

  it('knows a token that was removed and added again', () => {
    const index = createClaimIndex();
    index.add('a', ALICE);
    index.add('b', ALICE);
    for (const digest of ['a', 'b']) index.remove(digest, ALICE);
    index.add('b', ALICE);
    expect(index.digestsOf('sub', 'alice')).toEqual(['b']);
  });
});
