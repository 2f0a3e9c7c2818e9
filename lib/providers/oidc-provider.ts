import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface OidcProviderOptions extends PresetOptions {
  /** Issuer identifier, such as `'https://auth.example.com'`. If the provider is mounted below a path, include this path. */
  readonly issuer: string | undefined;
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required. */
  readonly clientSecret: Secret;
}

/**
 * Preset for the npm package [oidc-provider](https://github.com/panva/node-oidc-provider/blob/main/docs/README.md#featuresintrospection),
 * with its default routes. Responses contain `aud` when the token is for a resource server. Responses for refresh tokens have no `aud`, and
 * nothing else distinguishes them from responses for access tokens.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`, or an issuer that is no URL
 */
export function oidcProvider({ issuer, clientId, clientSecret, ...additions }: OidcProviderOptions): Preset {
  return mergePreset(
    {
      endpoint: `${requireBaseUrl('issuer', issuer)}/token/introspection`,
      clientAuth: clientSecretBasic(clientId, requireClientSecret('oidcProvider', clientSecret)),
    },
    additions,
  );
}
