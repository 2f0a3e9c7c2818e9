// Compiled, never run. A preset contains all required options except the audience. It contains that too if the provider has none.
import { type TokenIntrospectionOptions, tokenIntrospection } from '../../lib/index.js';
import {
  authentik,
  curity,
  hydra,
  keycloak,
  notion,
  oidcProvider,
  okta,
  pingfederate,
  polar,
  telnyx,
  vmwareCloud,
  workos,
  zitadel,
} from '../../lib/providers/index.js';

const credentials: { clientId: string | undefined; clientSecret: string | undefined } = {
  clientId: process.env.CLIENT_ID,
  clientSecret: process.env.CLIENT_SECRET,
};
const authkitDomain = process.env.AUTHKIT_DOMAIN;
const url = process.env.AUTH_URL;
const issuer = process.env.AUTH_ISSUER;
const endpoint = 'https://console.cloud.example/introspect';

export const completeWithAnAudience = [
  { ...polar(credentials), audience: 'portal' },
  { ...polar({ ...credentials, server: 'sandbox' }), audience: ['portal', 'reports'] },
  { ...telnyx(credentials), audience: false },
  { ...workos({ ...credentials, authkitDomain }), audience: 'client_123' },
  { ...keycloak({ ...credentials, url, realm: process.env.REALM }), audience: 'portal' },
  { ...hydra({ adminUrl: url }), audience: 'portal' },
  { ...hydra({ adminUrl: url, apiKey: process.env.API_KEY }), audience: 'portal' },
  { ...hydra({ adminUrl: url, apiKey: async ({ refused }) => (refused ? 'new' : 'kept') }), audience: 'portal' },
  { ...zitadel({ ...credentials, issuer }), audience: 'portal' },
  { ...zitadel({ issuer, clientId: 'portal', key: process.env.KEY, keyId: process.env.KEY_ID }), audience: 'portal' },
  { ...authentik({ ...credentials, url }), audience: 'portal' },
  { ...okta({ ...credentials, issuer }), audience: 'api://default' },
  { ...pingfederate({ ...credentials, url }), audience: 'portal' },
  { ...curity({ ...credentials, url, path: undefined }), audience: 'portal' },
  { ...oidcProvider({ ...credentials, issuer }), audience: 'portal' },
] satisfies TokenIntrospectionOptions[];

export const completeAsTheyAre = [
  notion(credentials),
  { ...notion({ ...credentials, notionVersion: undefined }) },
  vmwareCloud({ ...credentials, endpoint }),
  { ...vmwareCloud({ clientId: 'public-app', endpoint: new URL(endpoint) }) },
] satisfies TokenIntrospectionOptions[];

export const spreadNextToOtherOptions = [
  { ...notion(credentials), scopes: ['read_content'], cache: { ttlSeconds: 10 }, timeoutMs: 500 },
  { ...polar(credentials), audience: 'portal', issuer: 'https://polar.sh', optional: true },
  { ...vmwareCloud({ ...credentials, endpoint }), audience: 'mine', allowRefreshTokens: false },
] satisfies TokenIntrospectionOptions[];

export const takeHeadersAndParameters = [
  polar({ ...credentials, headers: { 'X-Source': 'reports' }, parameters: { token_type_hint: 'access_token' } }),
  telnyx({ ...credentials, headers: undefined, parameters: undefined }),
];

export function areOptionsOfTheMiddleware() {
  tokenIntrospection({ ...polar(credentials), audience: 'portal' });
  tokenIntrospection(notion(credentials));
  // @ts-expect-error Polar sends an audience, so it is required
  tokenIntrospection(polar(credentials));
  // @ts-expect-error Telnyx may send an audience, so it is required, or false
  tokenIntrospection(telnyx(credentials));
  // @ts-expect-error WorkOS sends an audience, so it is required
  tokenIntrospection(workos({ ...credentials, authkitDomain }));
  // @ts-expect-error Keycloak may send an audience, so it is required, or false
  tokenIntrospection(keycloak({ ...credentials, url, realm: 'shop' }));
}

export function rejectUnknownOptions() {
  // @ts-expect-error Polar has two servers
  polar({ ...credentials, server: 'staging' });
  // @ts-expect-error credentials are required
  telnyx({});
  // @ts-expect-error the document names no endpoint
  vmwareCloud(credentials);
  // @ts-expect-error the AuthKit domain is required
  workos(credentials);
  // @ts-expect-error a realm is required
  keycloak({ ...credentials, url });
  // @ts-expect-error an issuer is required
  okta(credentials);
  // @ts-expect-error Hydra's admin API has no clients
  hydra({ adminUrl: url, clientId: 'portal' });
  // @ts-expect-error these options are written next to a preset, not into it
  notion({ ...credentials, scopes: ['read_content'] });
}
