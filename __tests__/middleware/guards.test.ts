import {
  requireActor,
  requireAnyRole,
  requireAnyScope,
  requireAuthentication,
  requireAuthorizationDetails,
  requireClaim,
  requireFresh,
  requireRole,
  requireScope,
} from '../../lib/index.js';

const REQUEST = { pipe() {} };

const A_VALUE = 'write a string, number or boolean, a list of them, or a predicate';
const A_SAFE_VALUE =
  'JavaScript rounds integers beyond 2^53, so other integers would match too; let the server send a string, and compare with that';
const SCOPES = "'reports:read', …): each scope its own argument, without spaces";
const ROLES = "'admin', …), with each role as an argument of its own";
const ACTOR_MEMBER = 'write sub, client_id or iss, or a predicate';
const SECONDS = 'write a number of seconds from 0 to 86400';

describe('a guard that is mounted without being called', () => {
  it.each<[string, (argument: never) => unknown, string]>([
    ['requireScope', requireScope, "requireScope('reports:read')"],
    ['requireAnyScope', requireAnyScope, "requireAnyScope('reports:read')"],
    ['requireClaim', requireClaim as never, "requireClaim('org_id', 'org_1')"],
    ['requireAuthentication', requireAuthentication, "requireAuthentication({ acrValues: ['gold'] })"],
    ['requireAuthorizationDetails', requireAuthorizationDetails, "requireAuthorizationDetails('payment_initiation')"],
    ['requireRole', requireRole, "requireRole('admin')"],
    ['requireAnyRole', requireAnyRole, "requireAnyRole('admin')"],
    ['requireActor', requireActor, "requireActor({ sub: 'travel-agent' })"],
    ['requireFresh', requireFresh, 'requireFresh({ maxAgeSeconds: 60 })'],
  ])('throws an error that shows a call of %s', (name, guard, call) => {
    const message = `${name} was mounted without being called; write ${call}`;
    expect(() => guard(REQUEST as never)).toThrow(new TypeError(message));
  });
});

describe('a guard with a wrong argument', () => {
  it.each<[string, (...names: string[]) => unknown, string, string, string]>([
    ['requireScope', requireScope, 'a b', 'scopes', SCOPES],
    ['requireAnyScope', requireAnyScope, 'a b', 'scopes', SCOPES],
    ['requireRole', requireRole, '', 'roles', ROLES],
    ['requireAnyRole', requireAnyRole, '', 'roles', ROLES],
  ])('throws an error that says how to list names: %s', (name, guard, wrong, option, remedy) => {
    const messageFor = (kind: string) => `Option "${option}" is ${kind}; write ${name}(${remedy}`;
    expect(() => guard()).toThrow(new TypeError(messageFor('an empty list')));
    expect(() => guard('read', wrong)).toThrow(new TypeError(messageFor('a list')));
  });

  it.each<[string, () => unknown, string]>([
    [
      'requireClaim without a name',
      () => requireClaim(undefined as never, 'x'),
      'Option "name" is missing; write the name of a claim',
    ],
    [
      'requireClaim without a value',
      () => requireClaim('org', undefined as never),
      `Option "expected" is missing; ${A_VALUE}`,
    ],
    ['requireClaim without values', () => requireClaim('org', []), `Option "expected" is an empty list; ${A_VALUE}`],
    [
      'requireClaim with a wrong value in a list',
      () => requireClaim('org', ['a', null as never]),
      `Option "expected" is a list; ${A_VALUE}`,
    ],
    [
      'requireClaim with an infinite number',
      () => requireClaim('org', Number.POSITIVE_INFINITY),
      `Option "expected" is Infinity; ${A_VALUE}`,
    ],
    [
      'requireClaim with a rounded integer',
      () => requireClaim('org', ['a', 2 ** 53]),
      `Option "expected" is ${2 ** 53}; ${A_SAFE_VALUE}`,
    ],
    [
      'requireAuthorizationDetails without a type',
      () => requireAuthorizationDetails(undefined as never),
      'Option "type" is missing; write the type of the details',
    ],
    [
      'requireAuthorizationDetails with a wrong predicate',
      () => requireAuthorizationDetails('payment', 'x' as never),
      'Option "accepts" is a string that cannot be used; write a function',
    ],
    ['requireActor without a member', () => requireActor({}), `Option "sub" is missing; ${ACTOR_MEMBER}`],
    [
      'requireActor with an empty member',
      () => requireActor({ iss: '' }),
      'Option "iss" is an empty string; write the iss of the actor',
    ],
    ['requireFresh without an age', () => requireFresh({} as never), `Option "maxAgeSeconds" is missing; ${SECONDS}`],
    [
      'requireFresh with another option',
      () => requireFresh({ maxAgeSeconds: 1, ttl: 1 } as never),
      'Option "ttl" is not known here; write maxAgeSeconds',
    ],
  ])('throws an error that says what to write: %s', (_title, create, message) => {
    expect(create).toThrow(new TypeError(message));
  });

  it('accepts the largest integers that JavaScript does not round', () => {
    expect(() => requireClaim('id', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])).not.toThrow();
  });
});
