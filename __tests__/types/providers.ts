// Compiled, never run: a preset is options, complete but for the audience, or with it where the provider names none.
import { type TokenIntrospectionOptions, tokenIntrospection } from '../../lib/index.js';
import { notion, polar, telnyx, vmwareCloud, workos } from '../../lib/providers/index.js';

const credentials: { clientId: string | undefined; clientSecret: string | undefined } = {
  clientId: process.env.CLIENT_ID,
  clientSecret: process.env.CLIENT_SECRET,
};
const authkitDomain = process.env.AUTHKIT_DOMAIN;
const endpoint = 'https://console.cloud.example/introspect';

export const completeWithAnAudience = [
  { ...polar(credentials), audience: 'portal' },
  { ...polar({ ...credentials, server: 'sandbox' }), audience: ['portal', 'reports'] },
  { ...telnyx(credentials), audience: false },
  { ...workos({ ...credentials, authkitDomain }), audience: 'client_123' },
] satisfies TokenIntrospectionOptions[];

export const completeAsTheyAre = [
  notion(credentials),
  { ...notion({ ...credentials, notionVersion: undefined }) },
  vmwareCloud({ ...credentials, endpoint }),
  { ...vmwareCloud({ clientId: 'public-app', endpoint: new URL(endpoint) }) },
] satisfies TokenIntrospectionOptions[];

export const spreadBesideOtherOptions = [
  { ...notion(credentials), scopes: ['read_content'], cache: { ttlSeconds: 10 }, timeoutMs: 500 },
  { ...polar(credentials), audience: 'portal', issuer: 'https://polar.sh', optional: true },
  { ...vmwareCloud({ ...credentials, endpoint }), audience: 'mine', allowRefreshTokens: false },
] satisfies TokenIntrospectionOptions[];

export const takeHeadersAndParameters = [
  polar({ ...credentials, headers: { 'X-Source': 'reports' }, parameters: { token_type_hint: 'access_token' } }),
  telnyx({ ...credentials, headers: undefined, parameters: undefined }),
];

export function areGivenToTheMiddleware() {
  tokenIntrospection({ ...polar(credentials), audience: 'portal' });
  tokenIntrospection(notion(credentials));
  // @ts-expect-error Polar names an audience: say yours
  tokenIntrospection(polar(credentials));
  // @ts-expect-error Telnyx may name an audience: say yours, or false
  tokenIntrospection(telnyx(credentials));
  // @ts-expect-error WorkOS names an audience: say yours
  tokenIntrospection(workos({ ...credentials, authkitDomain }));
}

export function refuseWhatTheyDoNotKnow() {
  // @ts-expect-error Polar has two servers
  polar({ ...credentials, server: 'staging' });
  // @ts-expect-error credentials are required
  telnyx({});
  // @ts-expect-error the document names no endpoint
  vmwareCloud(credentials);
  // @ts-expect-error the AuthKit domain is required
  workos(credentials);
  // @ts-expect-error demands are spread beside a preset, not given to it
  notion({ ...credentials, scopes: ['read_content'] });
}
