import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl, requireSegment } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface KeycloakOptions extends PresetOptions {
  /** Base URL of the server, such as `'https://sso.example.com'`; before Keycloak 17 it ends in `/auth`. */
  readonly url: string | undefined;
  /** Name of the realm that issues the tokens. Required. */
  readonly realm: string | undefined;
  /** Identifier of a confidential client. Keycloak does not let public clients introspect tokens. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current one. Required. */
  readonly clientSecret: Secret;
}

/**
 * [Keycloak](https://www.keycloak.org/securing-apps/oidc-layers#_token_introspection_endpoint). Responses contain
 * `aud` if client roles of the user or an audience mapper add it. Configure one of them, and set `audience`. Newer servers respond that
 * a token is inactive if its `aud` does not contain your client.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`, a missing realm or an invalid URL
 */
export function keycloak({ url, realm, clientId, clientSecret, ...additions }: KeycloakOptions): Preset {
  const realmPath = `/realms/${requireSegment('realm', realm)}`;
  return mergePreset(
    {
      endpoint: `${requireBaseUrl('url', url)}${realmPath}/protocol/openid-connect/token/introspect`,
      clientAuth: clientSecretBasic(clientId, requireClientSecret('keycloak', clientSecret)),
    },
    additions,
  );
}
