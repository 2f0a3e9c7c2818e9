import { type Auth, requireAnyRole, requireRole } from '../../lib/index.js';
import { authentik, keycloak, okta, workos, zitadel } from '../../lib/providers/index.js';
import { createApi } from '../support/api.js';
import { active, createEndpoint } from '../support/endpoint.js';

const CREDENTIALS = { clientId: 'reports-api', clientSecret: 'secret' };
const KEYCLOAK = keycloak({ ...CREDENTIALS, url: 'https://sso.example.com', realm: 'shop' });
const PRESETS = {
  keycloak: KEYCLOAK,
  authentik: authentik({ ...CREDENTIALS, url: 'https://authentik.example.com' }),
  okta: okta({ ...CREDENTIALS, issuer: 'https://shop.okta.com/oauth2/default' }),
  workos: workos({ ...CREDENTIALS, authkitDomain: 'auth.example.com' }),
  zitadel: zitadel({ ...CREDENTIALS, issuer: 'https://shop.zitadel.cloud' }),
};

const rolesIn = (name: keyof typeof PRESETS, claims: object) => PRESETS[name].roles(claims as Auth);

describe('the roles of', () => {
  it.each<[keyof typeof PRESETS, string, object, string[]]>([
    ['keycloak', 'the realm', { realm_access: { roles: ['admin', 'user'] } }, ['realm:admin', 'realm:user']],
    [
      'keycloak',
      'the client of this API',
      { resource_access: { 'reports-api': { roles: ['reader'] } } },
      ['reader', 'reports-api:reader'],
    ],
    ['keycloak', 'another client', { resource_access: { account: { roles: ['view'] } } }, ['account:view']],
    [
      'keycloak',
      'a client that is called realm',
      { resource_access: { realm: { roles: ['admin'] } }, realm_access: { roles: [] } },
      [],
    ],
    [
      'keycloak',
      'this client, with a colon in the role',
      { resource_access: { 'reports-api': { roles: ['realm:admin', 'account:view'] } } },
      ['reports-api:realm:admin', 'reports-api:account:view'],
    ],
    [
      'keycloak',
      'another client with a colon in its identifier',
      { resource_access: { 'https://api.example.com': { roles: ['reader'] } } },
      [],
    ],
    ['keycloak', 'nobody', {}, []],
    [
      'keycloak',
      'claims of other types',
      { realm_access: ['admin'], resource_access: { 'reports-api': { roles: 'reader' }, account: null } },
      [],
    ],
    ['keycloak', 'a list of clients', { realm_access: 'admin', resource_access: [{ roles: ['reader'] }] }, []],
    ['keycloak', 'a realm with other values', { realm_access: { roles: [7, null, ['admin']] } }, []],
    ['authentik', 'the application', { roles: ['editor'], groups: ['admin'] }, ['editor']],
    ['authentik', 'the entitlements', { entitlements: ['editor'] }, ['editor']],
    ['okta', 'the groups', { groups: ['Everyone', 'editors'], roles: ['admin'] }, ['Everyone', 'editors']],
    ['workos', 'a member', { role: 'member' }, ['member']],
    [
      'workos',
      'a member with several roles',
      { role: 'member', roles: ['member', 'billing'], permissions: ['posts:read'] },
      ['member', 'member', 'billing', 'posts:read'],
    ],
    [
      'zitadel',
      'the project',
      { 'urn:zitadel:iam:org:project:roles': { editor: { '165': 'shop.example.com' }, admin: {} } },
      ['editor', 'admin'],
    ],
    ['zitadel', 'a list', { 'urn:zitadel:iam:org:project:roles': ['editor'] }, []],
    ['zitadel', 'a string', { 'urn:zitadel:iam:org:project:roles': 'editor' }, []],
    ['zitadel', 'nobody', {}, []],
  ])('%s: %s', (name, _title, claims, roles) => {
    expect(rolesIn(name, claims)).toEqual(roles);
  });

  it.each(Object.keys(PRESETS) as (keyof typeof PRESETS)[])('%s are not those of Object.prototype', (name) => {
    expect(
      rolesIn(name, Object.create({ roles: ['admin'], groups: ['admin'], realm_access: { roles: ['a'] } })),
    ).toEqual([]);
  });

  it('keycloak for a client with a colon in its identifier have no prefix', () => {
    const clientId = 'https://api.example.com';
    const { roles } = keycloak({ ...CREDENTIALS, clientId, url: 'https://sso.example.com', realm: 'shop' });
    const claims = { resource_access: { [clientId]: { roles: ['reader', 'realm:admin'] } } };
    expect(roles(claims as unknown as Auth)).toEqual(['reader']);
  });
});

describe('keycloak', () => {
  const RESPONSE = active({
    realm_access: { roles: ['admin'] },
    resource_access: { 'reports-api': { roles: ['reader'] }, billing: { roles: ['payer'] } },
  });

  it.each([
    ['realm:admin', 200],
    ['reader', 200],
    ['billing:payer', 200],
    ['admin', 403],
    ['realm:reader', 403],
    ['payer', 403],
  ])('answers requireRole(%j) with %d, as keycloak.protect() would decide', async (role, status) => {
    const endpoint = await createEndpoint(RESPONSE);
    const { roles } = KEYCLOAK;
    await createApi(endpoint, { roles }, requireRole(role)).get('token').expect(status);
    await createApi(endpoint, { roles }, requireAnyRole('none', role)).get('token').expect(status);
  });
});
