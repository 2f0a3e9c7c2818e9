import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface OidcProviderOptions extends PresetOptions {
  /** Such as `'https://auth.example.com'`, with the path the provider is mounted at. */
  readonly issuer: string | undefined;
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** The client's secret, or a function that returns the current one. Required. */
  readonly clientSecret: Secret;
}

/**
 * [oidc-provider](https://github.com/panva/node-oidc-provider/blob/main/docs/README.md#featuresintrospection) of npm, with
 * its default routes. Replies name an audience where the token is for a resource server; refresh tokens have none, and
 * nothing else tells them apart.
 *
 * @throws TypeError for missing credentials or an issuer that is no URL
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
