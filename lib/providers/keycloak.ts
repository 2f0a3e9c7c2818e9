import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl, requireSegment } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface KeycloakOptions extends PresetOptions {
  /** Base URL of the server, such as `'https://sso.example.com'`; before Keycloak 17 it ends in `/auth`. */
  readonly url: string | undefined;
  /** Name of the realm that issues the tokens. Required. */
  readonly realm: string | undefined;
  /** Identifier of a confidential client. Keycloak rejects public clients. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current one. Required. */
  readonly clientSecret: Secret;
}

/**
 * [Keycloak](https://www.keycloak.org/securing-apps/oidc-layers#_token_introspection_endpoint). Responses contain `aud`
 * if roles or a mapper add it, so set `audience`. For newer servers a token is inactive unless its `aud` contains your client.
 *
 * @throws TypeError for missing credentials, a missing realm or an invalid URL
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
