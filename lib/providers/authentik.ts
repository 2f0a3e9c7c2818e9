import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';
import { rolesFrom, type WithRoles } from './roles.js';

export interface AuthentikOptions extends PresetOptions {
  /** Base URL of the server, such as `'https://authentik.example.com'`. */
  readonly url: string | undefined;
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required. */
  readonly clientSecret: Secret;
}

/**
 * Preset for [authentik](https://docs.goauthentik.io/add-secure-apps/providers/oauth2/). Responses contain `aud` (a client identifier) and
 * no token type. The server also responds `active: false` if the client secret is wrong. So a wrong secret looks as if every token were
 * invalid.
 *
 * `requireRole()` reads the claims `roles` and `entitlements`. Both hold the entitlements of the user for the application, in tokens with
 * the scope `entitlements`. Groups of the user do not count as roles.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`, or an invalid URL
 */
export function authentik({ url, clientId, clientSecret, ...additions }: AuthentikOptions): Preset<WithRoles> {
  return mergePreset(
    {
      endpoint: `${requireBaseUrl('url', url)}/application/o/introspect/`,
      clientAuth: clientSecretBasic(clientId, requireClientSecret('authentik', clientSecret), { encode: false }),
      roles: rolesFrom('roles', 'entitlements'),
    },
    additions,
  );
}
