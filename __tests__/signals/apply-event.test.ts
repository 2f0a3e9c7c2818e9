import type { Invalidation } from '../../lib/index.js';
import { createApplyEvent } from '../../lib/signals/apply-event.js';
import type { SignalSettings } from '../../lib/signals/options.js';
import { recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { CAEP, ISSUER, RISC } from '../support/signals.js';

const OTHER = 'https://other.example.com';
const ALICE = { format: 'iss_sub', iss: ISSUER, sub: 'alice' };
const BOB = { format: 'iss_sub', iss: ISSUER, sub: 'bob' };
const OPAQUE = { format: 'opaque', id: 'alice' };

const REVOKED = `${CAEP}/session-revoked`;
const DISABLED = `${RISC}/account-disabled`;
const PRESENTED = `${CAEP}/session-presented`;

/** Applies the claims of a security event token. Tokens with the same claims are the same token. */
function createReceiver(invalidate: () => Promise<void> = async () => {}) {
  const invalidated: Invalidation[] = [];
  const clock = createClock();
  const settings = {
    ...{ clock, keepMs: 1000, issuer: ISSUER },
    invalidate(targets: readonly Invalidation[]) {
      invalidated.push(...targets);
      return invalidate();
    },
  };
  const apply = createApplyEvent('securityEvents', settings as unknown as SignalSettings, { issuer: ISSUER });
  const events = recordEvents('signal');
  return {
    ...{ clock, invalidated },
    apply: (claims: Record<string, unknown>) => apply({ claims, jti: 'jti', payload: JSON.stringify(claims) }),
    published: () => events.map(({ by, outcome, event }) => `${by} ${outcome} ${event}`),
  };
}

describe('the events of a security event token', () => {
  it.each([
    ['missing', undefined],
    ['null', null],
    ['a text', REVOKED],
    ['a list', [{}]],
    ['empty', {}],
    ['one of them null', { [REVOKED]: {}, [DISABLED]: null }],
    ['one of them a text', { [REVOKED]: {}, [DISABLED]: 'x' }],
    ['one of them a list', { [REVOKED]: {}, [DISABLED]: [] }],
  ])('are rejected if they are malformed: %s', async (_name, events) => {
    const { apply, invalidated, published } = createReceiver();
    await expect(apply({ sub_id: ALICE, events })).rejects.toMatchObject({ reason: 'wrong_events' });
    expect([invalidated, published()]).toEqual([[], []]);
  });

  it.each<[string, object, object[], string[]]>([
    ['an effect', { [REVOKED]: {} }, [{ sub: 'alice' }], ['applied session-revoked']],
    ['no effect', { [PRESENTED]: {} }, [], ['ignored session-presented']],
    ['an unknown type', { 'https://example.com/a': {} }, [], ['ignored other']],
    [
      'and without an effect',
      { [REVOKED]: {}, [PRESENTED]: {}, [DISABLED]: {} },
      [{ sub: 'alice' }],
      ['ignored session-presented', 'applied session-revoked', 'applied account-disabled'],
    ],
  ])('are all published, those with %s', async (_name, events, targets, expected) => {
    const { apply, invalidated, published } = createReceiver();
    await apply({ sub_id: ALICE, events });
    expect(invalidated).toEqual(targets);
    expect(published()).toEqual(expected.map((text) => `securityEvents ${text}`));
  });

  it('are applied again only after the time for which they are remembered', async () => {
    const { apply, clock, invalidated, published } = createReceiver();
    const claims = { sub_id: ALICE, events: { [REVOKED]: {} } };
    for (let i = 0; i < 2; i++) await apply(claims);
    clock.advance(1);
    await apply(claims);
    expect(invalidated).toHaveLength(2);
    expect(published().map((text) => text.split(' ')[1])).toEqual(['applied', 'repeated', 'applied']);
  });

  it('are published neither as applied nor as repeated if the invalidation failed', async () => {
    const failure = new Error('the store fails');
    const { apply, published } = createReceiver(() => Promise.reject(failure));
    await expect(apply({ sub_id: ALICE, events: { [REVOKED]: {} } })).rejects.toBe(failure);
    expect(published()).toEqual([]);
  });
});

describe('the subject of a security event token', () => {
  const events = { [REVOKED]: {} };

  it.each<[string, Record<string, unknown>]>([
    ['sub_id', { sub_id: ALICE, events }],
    ['an event', { events: { [REVOKED]: { subject: ALICE } } }],
    ['one of two events', { events: { [REVOKED]: {}, [DISABLED]: { subject: ALICE } } }],
    ['both events', { events: { [REVOKED]: { subject: ALICE }, [DISABLED]: { subject: { ...ALICE } } } }],
    ['sub_id and an event', { sub_id: ALICE, events: { [REVOKED]: { subject: { ...ALICE } } } }],
    ['iss and sub', { iss: ISSUER, sub: 'alice', events }],
    ['sub_id and sub', { iss: ISSUER, sub: 'alice', sub_id: ALICE, events }],
  ])('may stand in %s', async (_name, claims) => {
    const { apply, invalidated } = createReceiver();
    await apply(claims);
    expect(invalidated).toEqual([{ sub: 'alice' }]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['is missing', { events }],
    ['is malformed', { sub_id: 'alice', events }],
    ['differs in an event', { sub_id: ALICE, events: { [REVOKED]: { subject: BOB } } }],
    ['differs between events', { events: { [REVOKED]: { subject: ALICE }, [DISABLED]: { subject: BOB } } }],
    ['differs from sub', { iss: ISSUER, sub_id: ALICE, sub: 'bob', events }],
    ['is null beside sub', { iss: ISSUER, sub_id: null, sub: 'alice', events }],
    ['has another format beside sub', { iss: ISSUER, sub_id: OPAQUE, sub: 'alice', events }],
    ['has no sub beside sub', { iss: ISSUER, sub_id: { format: 'iss_sub', iss: ISSUER }, sub: 'alice', events }],
    [
      'has another format with the same sub',
      { sub_id: { format: 'opaque', id: 'x', sub: 'x' }, iss: ISSUER, sub: 'x', events },
    ],
  ])('is rejected if it %s', async (_name, claims) => {
    const { apply, invalidated } = createReceiver();
    await expect(apply(claims)).rejects.toMatchObject({ reason: 'wrong_subject' });
    expect(invalidated).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['another issuer', { sub_id: { ...ALICE, iss: OTHER }, events }, 'foreign'],
    ['another issuer than iss', { iss: ISSUER, sub: 'alice', sub_id: { ...ALICE, iss: OTHER }, events }, 'foreign'],
    ['another issuer, as iss and sub', { iss: OTHER, sub: 'alice', events }, 'foreign'],
    ['an unknown format', { sub_id: { format: 'email', email: 'a@example.com' }, events }, 'unmapped'],
  ])('invalidates nothing if it has %s', async (_name, claims, outcome) => {
    const { apply, invalidated, published } = createReceiver();
    await apply(claims);
    expect([invalidated, published()]).toEqual([[], [`securityEvents ${outcome} session-revoked`]]);
  });

  it('may be missing or malformed if the events have no effect', async () => {
    const { apply, invalidated } = createReceiver();
    for (const claims of [{}, { sub_id: 'alice' }]) await apply({ ...claims, events: { [PRESENTED]: {} } });
    expect(invalidated).toEqual([]);
  });
});
