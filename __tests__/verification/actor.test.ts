import { actorOf, requireActingParty, requireNoActingParty, requireUserSubject } from '../../lib/verification/actor.js';
import { activeRecord } from '../support/records.js';

const claimsOf = (act: unknown) => activeRecord({ act }).claims;
const MISMATCH = expect.objectContaining({ status: 403, code: 'insufficient_scope', reason: 'actor_mismatch' });
const NO_USER = expect.objectContaining({ status: 403, code: 'insufficient_scope', reason: 'no_user' });

describe('the actor of a token', () => {
  it('is absent only without the claim act', () => {
    expect(actorOf(activeRecord({ sub: 'alice' }).claims)).toBeUndefined();
  });

  it.each([{}, { sub: 'agent' }, { sub: 'agent', iss: 'https://as', client_id: 'c' }, { other: 5, act: { sub: 'x' } }])(
    'is the object %j',
    (act) => {
      expect(actorOf(claimsOf(act))).toBe(act);
    },
  );

  it.each([
    null,
    undefined,
    'agent',
    5,
    true,
    [],
    [{ sub: 'agent' }],
    { sub: 5 },
    { sub: 'a', iss: null },
    { client_id: [] },
  ])('is unknown for the act %j, which cannot be read', (act) => {
    const actor = actorOf(claimsOf(act));
    expect([actor, Object.isFrozen(actor)]).toEqual([{}, true]);
    expect(() => requireNoActingParty(activeRecord({ act }))).toThrow(MISMATCH);
  });

  it('must be present and accepted', () => {
    const record = activeRecord({ act: { sub: 'agent' } });
    expect(() => requireActingParty(record, ({ sub }) => sub === 'agent')).not.toThrow();
    expect(() => requireActingParty(record, () => false)).toThrow(MISMATCH);
    expect(() => requireActingParty(activeRecord(), () => true)).toThrow(MISMATCH);
    expect(() => requireNoActingParty(activeRecord())).not.toThrow();
  });
});

describe('a user', () => {
  it('is a subject that differs from the clients', () => {
    expect(() => requireUserSubject(activeRecord({ sub: 'alice', client_id: 'app', azp: 'other' }))).not.toThrow();
  });

  it.each([
    {},
    { sub: 'alice' },
    { client_id: 'app' },
    { sub: '', client_id: 'app' },
    { sub: 'alice', client_id: '' },
    { sub: 5, client_id: 'app' },
    { sub: 'app', client_id: 'app' },
    { sub: 'app', client_id: 'other', azp: 'app' },
  ])('is not shown by the claims %j', (claims) => {
    expect(() => requireUserSubject(activeRecord(claims))).toThrow(NO_USER);
  });
});
