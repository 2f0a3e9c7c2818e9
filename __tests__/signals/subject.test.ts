import type { SubjectIdentifier } from '../../lib/signals/options.js';
import { type SubjectSettings, targetsOf } from '../../lib/signals/subject.js';

const ISSUER = 'https://idp.example.com';
const OTHER = 'https://other.example.com';

const EMAIL = { format: 'email', email: 'alice@example.com' };
const ALICE = { format: 'iss_sub', iss: ISSUER, sub: 'alice' };
const FOREIGN = { format: 'iss_sub', iss: OTHER, sub: 'alice' };
const SESSION = { format: 'opaque', id: 'session-1' };

const aliases = (...identifiers: unknown[]) => ({ format: 'aliases', identifiers });
const complex = (members: object) => ({ format: 'complex', ...members });

const find = (identifier: unknown, settings: Partial<SubjectSettings> = {}) =>
  targetsOf(identifier, { issuer: ISSUER, ...settings });

afterEach(() => {
  jest.useRealTimers();
});

describe('the targets of a subject identifier', () => {
  it.each<[string, unknown, unknown]>([
    ['an iss_sub', ALICE, [{ sub: 'alice' }]],
    ['an iss_sub of another issuer', FOREIGN, 'foreign'],
    ['a jwt_id', { format: 'jwt_id', iss: ISSUER, jti: 'token-1' }, [{ jti: 'token-1' }]],
    ['a jwt_id of another issuer', { format: 'jwt_id', iss: OTHER, jti: 'token-1' }, 'foreign'],
    ['an opaque identifier', SESSION, [{ sub: 'session-1' }, { sid: 'session-1' }]],
    ['an email', EMAIL, 'unmapped'],
    ['an identifier without format', { iss: ISSUER, sub: 'alice' }, 'unmapped'],
    ['a format that is inherited', JSON.parse(`{"__proto__":${JSON.stringify(ALICE)}}`), 'unmapped'],
    ['an alias', aliases(ALICE), [{ sub: 'alice' }]],
    ['two aliases', aliases(ALICE, SESSION), [{ sub: 'alice' }, { sub: 'session-1' }, { sid: 'session-1' }]],
    ['aliases of which one is known', aliases(EMAIL, FOREIGN, ALICE), [{ sub: 'alice' }]],
    ['aliases that are unknown or foreign', aliases(FOREIGN, EMAIL), 'unmapped'],
    ['only foreign aliases', aliases(FOREIGN, FOREIGN), 'foreign'],
    ['16 aliases', aliases(...Array(16).fill(EMAIL)), 'unmapped'],
    ['a session', complex({ session: SESSION }), [{ sid: 'session-1' }]],
    ['a session by iss_sub', complex({ session: ALICE }), [{ sid: 'alice' }]],
    ['a session by jwt_id', complex({ session: { format: 'jwt_id', iss: ISSUER, jti: 'a' } }), [{ jti: 'a' }]],
    ['a user', complex({ user: SESSION }), [{ sub: 'session-1' }]],
    ['a user by iss_sub', complex({ user: ALICE }), [{ sub: 'alice' }]],
    ['a user with aliases', complex({ user: aliases(EMAIL, ALICE) }), [{ sub: 'alice' }]],
    ['a session and its user', complex({ session: SESSION, user: ALICE }), [{ sid: 'session-1' }, { sub: 'alice' }]],
    ['a session and an unknown user', complex({ session: SESSION, user: EMAIL }), [{ sid: 'session-1' }]],
    ['an unknown session and its user', complex({ session: EMAIL, user: ALICE }), [{ sub: 'alice' }]],
    ['an unknown session', complex({ session: EMAIL }), 'unmapped'],
    ['an unknown user', complex({ user: EMAIL }), 'unmapped'],
    ['an unknown session of an unknown user', complex({ session: EMAIL, user: EMAIL }), 'unmapped'],
    ['a session of a foreign user', complex({ session: SESSION, user: FOREIGN }), 'foreign'],
    ['a foreign session of a user', complex({ session: FOREIGN, user: ALICE }), 'foreign'],
    ['only a device', complex({ device: SESSION }), 'unmapped'],
  ])('are found for %s', async (_name, identifier, expected) => {
    expect(await find(identifier)).toEqual(expected);
  });

  it.each<[string, object, unknown]>([
    ['a session and its user', complex({ session: SESSION, user: ALICE }), [{ sid: 'session-1' }]],
    ['an unknown session and its user', complex({ session: EMAIL, user: ALICE }), [{ sub: 'alice' }]],
    ['a user', complex({ user: ALICE }), [{ sub: 'alice' }]],
  ])(
    'are only those of the session, if the scope says so and the session is known: %s',
    async (_name, id, expected) => {
      expect(await find(id, { scope: 'session' })).toEqual(expected);
    },
  );

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'alice'],
    ['a list', [ALICE]],
    ['an iss_sub without sub', { format: 'iss_sub', iss: ISSUER }],
    ['an iss_sub with an empty sub', { ...ALICE, sub: '' }],
    ['an iss_sub with a number as sub', { ...ALICE, sub: 7 }],
    ['an iss_sub without iss', { format: 'iss_sub', sub: 'alice' }],
    ['an iss_sub with an empty iss', { ...ALICE, iss: '' }],
    ['a jwt_id without jti', { format: 'jwt_id', iss: ISSUER }],
    ['an opaque identifier without id', { format: 'opaque' }],
    ['an opaque identifier with an empty id', { format: 'opaque', id: '' }],
    ['no aliases', aliases()],
    ['17 aliases', aliases(...Array(17).fill(ALICE))],
    ['aliases that are no list', { format: 'aliases', identifiers: { length: 1, 0: ALICE } }],
    ['an alias that is null', aliases(ALICE, null)],
    ['aliases in aliases', aliases(ALICE, aliases(ALICE))],
    ['a complex alias', aliases(ALICE, complex({ user: ALICE }))],
    ['an email beside aliases', aliases(EMAIL, aliases(ALICE))],
    ['an email beside a complex alias', aliases(EMAIL, complex({ user: ALICE }))],
    ['a session that is null', complex({ session: null })],
    ['a session with aliases', complex({ session: aliases(SESSION) })],
    ['a complex session', complex({ session: complex({ session: SESSION }) })],
    ['a complex user', complex({ user: complex({ user: ALICE }) })],
    ['a user that is a text', complex({ user: 'alice' })],
  ])('are not searched for %s, which is malformed', async (_name, identifier) => {
    const subject = jest.fn(() => ({ sub: 'alice' }));
    await expect(find(identifier, { subject })).rejects.toMatchObject({ reason: 'wrong_subject' });
    expect(subject).not.toHaveBeenCalled();
  });
});

describe('the option "subject"', () => {
  it.each<[string, object, object]>([
    ['an email', EMAIL, EMAIL],
    ['an alias', aliases(EMAIL), EMAIL],
    ['a session', complex({ session: EMAIL }), EMAIL],
    ['a user', complex({ user: EMAIL }), EMAIL],
    ['a complex subject without session and user', complex({ tenant: EMAIL }), complex({ tenant: EMAIL })],
  ])('gets a frozen copy of %s, without inherited members', async (_name, identifier, expected) => {
    const subject = jest.fn((_identifier: SubjectIdentifier) => ({ client_id: 'app' }));
    expect(await find(identifier, { subject })).toEqual([{ client_id: 'app' }]);
    const [[copy]] = subject.mock.calls as [[object]];
    expect({ ...copy }).toEqual(expected);
    expect([copy === identifier, Object.isFrozen(copy), Object.getPrototypeOf(copy)]).toEqual([false, true, null]);
  });

  it('may know no tokens of the subject', async () => {
    expect(await find(EMAIL, { subject: () => undefined })).toBe('unmapped');
  });

  it('fails after 10 seconds if it never settles, so that it stops neither a request nor the polling', async () => {
    jest.useFakeTimers();
    const outcome = find(EMAIL, { subject: () => new Promise(() => {}) }).catch((error) => error);
    await jest.advanceTimersByTimeAsync(9999);
    expect(await Promise.race([outcome, 'still waits'])).toBe('still waits');
    await jest.advanceTimersByTimeAsync(1);
    expect(await Promise.race([outcome, 'still waits'])).toMatchObject({ reason: 'subject_failed', isOutage: true });
  });

  it('leaves its own error to the caller, and no timer', async () => {
    jest.useFakeTimers();
    const failure = new Error('the database fails');
    const fail = () => {
      throw failure;
    };
    await expect(find(EMAIL, { subject: fail })).rejects.toBe(failure);
    expect(await find(EMAIL, { subject: async () => ({ sub: 'alice' }) })).toEqual([{ sub: 'alice' }]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
