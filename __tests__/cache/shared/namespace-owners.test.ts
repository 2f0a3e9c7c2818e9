import { claimNamespace, type NamespaceUser } from '../../../lib/cache/shared/namespace-owners.js';
import { createSharedMemory } from '../../support/shared-memory.js';

const STORE = createSharedMemory().connect();

/** The members of a `NamespaceUser` that differ from the defaults, and where its entries are. */
interface Claim extends Partial<NamespaceUser> {
  readonly store?: unknown;
  readonly namespace?: string;
}

function user({ store = STORE, namespace = 'prod', ...more }: Claim): NamespaceUser {
  const shared = { store, namespace } as never;
  return { cache: { shared }, clientAuth: {}, normalizer: undefined, ...more };
}

const AUTH = {};
const OTHER_AUTH = {};
const NORMALIZER = { normalize: () => undefined };
const OTHER_NORMALIZER = { normalize: () => undefined };

const ends: (() => void)[] = [];
const claim = (of: NamespaceUser, introspectorId = 'id') => {
  const end = claimNamespace(of, introspectorId);
  ends.push(end);
  return end;
};
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

describe('the entries of an introspector in a namespace', () => {
  it.each<[string, object, object]>([
    ['client authentication', { clientAuth: AUTH }, { clientAuth: OTHER_AUTH }],
    ['normalizer', { clientAuth: AUTH, normalizer: NORMALIZER }, { clientAuth: AUTH, normalizer: OTHER_NORMALIZER }],
    ['normalizer, if one has none', { clientAuth: AUTH, normalizer: NORMALIZER }, { clientAuth: AUTH }],
    ['client authentication, if one has an identity', { clientAuth: { identity: 'a' } }, { clientAuth: AUTH }],
  ])('cannot be shared with another %s', (_name, one, other) => {
    claim(user(one));
    expect(() => claim(user(other))).toThrow(
      new TypeError(
        'Option "cache.namespace" is a string that cannot be used; write another name than for other middlewares, ' +
          'or give "clientAuth" and "normalizeResponse" an "identity": nothing else tells their responses apart',
      ),
    );
  });

  it.each<[string, object, object]>([
    ['the same objects', { clientAuth: AUTH, normalizer: NORMALIZER }, { clientAuth: AUTH, normalizer: NORMALIZER }],
    [
      'objects that have an identity, because it is part of the introspector id',
      { clientAuth: { identity: 'a' }, normalizer: { ...NORMALIZER, identity: 'n' } },
      { clientAuth: { identity: 'a' }, normalizer: { ...OTHER_NORMALIZER, identity: 'n' } },
    ],
  ])('can be shared with %s', (_name, one, other) => {
    claim(user(one));
    expect(() => claim(user(other))).not.toThrow();
  });

  it.each<[string, object, string]>([
    ['store', { store: createSharedMemory().connect() }, 'id'],
    ['namespace', { namespace: 'test' }, 'id'],
    ['introspector', {}, 'other'],
  ])('are not those of another %s', (_name, more, introspectorId) => {
    claim(user({ clientAuth: AUTH }));
    expect(() => claim(user({ clientAuth: OTHER_AUTH, ...more }), introspectorId)).not.toThrow();
  });

  it('are free when the last introspector has ended its claim', () => {
    const [one, two] = [claim(user({ clientAuth: AUTH })), claim(user({ clientAuth: AUTH }))];
    one();
    expect(() => claim(user({ clientAuth: OTHER_AUTH }))).toThrow(TypeError);
    two();
    ends.splice(0);
    expect(() => claim(user({ clientAuth: OTHER_AUTH }))).not.toThrow();
  });
});

it.each<[string, NamespaceUser['cache']]>([
  ['a cache', false],
  ['a shared cache', { shared: undefined }],
])('nothing is claimed without %s', (_name, cache) => {
  expect(() => {
    claim(user({ cache, clientAuth: AUTH }));
    claim(user({ cache, clientAuth: OTHER_AUTH }));
  }).not.toThrow();
});
