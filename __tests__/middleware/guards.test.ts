import httpMocks from 'node-mocks-http';
import {
  type Guard,
  requireActor,
  requireAnyRole,
  requireAnyScope,
  requireAuthentication,
  requireAuthorizationDetails,
  requireClaim,
  requireFresh,
  requireNoActor,
  requireRole,
  requireScope,
  requireUser,
} from '../../lib/index.js';
import { insufficientScope } from '../support/challenges.js';
import { recordDecisions } from '../support/decisions.js';
import { callGuard, createAuthenticatedRequest, createFakeSetup } from '../support/mock-requests.js';

const REQUEST = { pipe() {} };

const A_VALUE = 'write a string, number or boolean, a list of them, or a predicate';
const A_SAFE_VALUE =
  'JavaScript rounds integers beyond 2^53, so other integers would match too; let the server send a string, and compare with that';
const SCOPES = "'reports:read', …): each scope its own argument, without spaces";
const ROLES = "'admin', …), with each role as an argument of its own";
const ACTOR_MEMBER = 'write sub, client_id or iss, or a predicate';
const SECONDS = 'write a number of seconds from 0 to 86400';

/** Each guard, and a guard of the same kind that rejects the token. */
const GUARDS: readonly (readonly [name: string, create: () => Guard, createRejecting: () => Guard])[] = [
  ['requireScope', () => requireScope('read'), () => requireScope('admin')],
  ['requireAnyScope', () => requireAnyScope('admin', 'read'), () => requireAnyScope('admin', 'owner')],
  ['requireClaim', () => requireClaim('sub', 'alice'), () => requireClaim('sub', 'bob')],
  [
    'requireAuthentication',
    () => requireAuthentication({ acrValues: ['gold'] }),
    () => requireAuthentication({ acrValues: ['platinum'] }),
  ],
  [
    'requireAuthorizationDetails',
    () => requireAuthorizationDetails('payment'),
    () => requireAuthorizationDetails('account'),
  ],
  ['requireRole', () => requireRole('editor'), () => requireRole('owner')],
  ['requireAnyRole', () => requireAnyRole('owner', 'editor'), () => requireAnyRole('owner')],
  ['requireActor', () => requireActor({ sub: 'agent', iss: undefined }), () => requireActor({ sub: 'other' })],
  ['requireUser', () => requireUser(), () => requireUser()],
  ['requireNoActor', () => requireNoActor(), () => requireNoActor()],
];

const CLAIMS = {
  ...{ sub: 'alice', client_id: 'app', scope: 'read', acr: 'gold', roles: ['editor'], act: { sub: 'agent' } },
  authorization_details: [{ type: 'payment' }],
};

function authenticated(claims: Record<string, unknown> = {}) {
  const { authenticate, token } = createFakeSetup({ ...CLAIMS, ...claims });
  return createAuthenticatedRequest(authenticate, token);
}

describe.each(GUARDS)('%s', (name, create, createRejecting) => {
  const [accepted, rejected] = [
    name === 'requireNoActor' ? { act: undefined } : {},
    name === 'requireUser' ? { client_id: 'alice' } : {},
  ];

  it('calls next at once when the token passes, and publishes its name', async () => {
    const req = await authenticated(accepted);
    const decisions = recordDecisions();
    expect(callGuard(create(), req).passed).toEqual([[]]);
    expect(() => create()(req as never, httpMocks.createResponse() as never)).not.toThrow();
    expect(decisions).toEqual(Array(2).fill(expect.objectContaining({ outcome: 'accepted', by: name })));
  });

  it('rejects another token, and publishes its name', async () => {
    const req = await authenticated(rejected);
    const decisions = recordDecisions();
    const { passed, res } = callGuard(createRejecting(), req);
    expect([passed, res.statusCode]).toEqual([[], name === 'requireAuthentication' ? 401 : 403]);
    expect(decisions).toEqual([expect.objectContaining({ outcome: 'rejected', by: name })]);
  });

  it('says in an error that it needs the middleware, and has a name for stack traces', () => {
    const guard = create();
    expect(guard.name).toBe(`${name}Middleware`);
    const message = `${name}() found no req.auth; mount tokenIntrospection() before it`;
    expect(callGuard(guard, httpMocks.createRequest()).passed).toEqual([
      [expect.objectContaining({ status: 500, message })],
    ]);
  });
});

it('a challenge names no scopes for guards that require none', async () => {
  const others = GUARDS.filter(([name]) => !name.endsWith('Scope'));
  for (const act of [{ sub: 'agent' }, undefined]) {
    const req = await authenticated({ act });
    const passed = others.flatMap(([, create]) => callGuard(create(), req).passed);
    expect(passed).toHaveLength(others.length - 1);
    expect(callGuard(requireScope('admin'), req).res.getHeader('www-authenticate')).toBe(insufficientScope('admin'));
  }
});

it('a guard passes an error to next when something throws while it looks for req.auth', () => {
  const thrown = new Error('of the app');
  const req = Object.defineProperty(httpMocks.createRequest(), 'auth', {
    get() {
      throw thrown;
    },
  });
  expect(callGuard(requireScope('read'), req).passed).toEqual([[thrown]]);
});

it.each<[string, () => Guard]>([
  ['requireClaim', () => requireClaim('sub', (async () => true) as never)],
  ['requireAuthorizationDetails', () => requireAuthorizationDetails('payment', (async () => true) as never)],
  ['requireActor', () => requireActor((async () => true) as never)],
])('the predicate of %s() must not return a promise', async (name, create) => {
  const message = `The predicate of ${name}() returned a promise; it must be synchronous`;
  expect(callGuard(create(), await authenticated()).passed).toEqual([[new TypeError(message)]]);
});

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
      'requireAuthentication with a wrong value',
      () => requireAuthentication({ acrValues: ['a b'] }),
      'Option "acrValues" is a list; write a list of values without spaces or quotes',
    ],
    [
      'requireAuthentication with a wrong age',
      () => requireAuthentication({ maxAgeSeconds: 31_536_001 }),
      'Option "maxAgeSeconds" is 31536001; write whole seconds from 0 to 31536000',
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
