import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl, requireSegment } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface KeycloakOptions extends PresetOptions {
  /** Base URL of the server, such as `'https://sso.example.com'`; before Keycloak 17 it ends in `/auth`. */
  readonly url: string | undefined;
  /** Name of the realm that issues the tokens. Required. */
  readonly realm: string | undefined;
  /** Of a confidential client; others are refused. */
  readonly clientId: string | undefined;
  /** The client's secret, or a function that returns the current one. Required. */
  readonly clientSecret: Secret;
}

/**
 * [Keycloak](https://www.keycloak.org/securing-apps/oidc-layers#_token_introspection_endpoint). Replies name an audience
 * where roles or a mapper add one: say yours. Newer servers call a token inactive unless its audience names the client that asks.
 *
 * @throws TypeError for missing credentials, a missing realm or a URL that is none
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
