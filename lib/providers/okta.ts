import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';
import { rolesFrom, type WithRoles } from './roles.js';

export interface OktaOptions extends PresetOptions {
  /**
   * Issuer of a custom authorization server (`https://example.okta.com/oauth2/default`), or your Okta domain
   * (`https://example.okta.com`) for the org authorization server.
   */
  readonly issuer: string | undefined;
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required. */
  readonly clientSecret: Secret;
}

/**
 * Preset for [Okta](https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/customas). Responses contain the `aud` that is configured
 * for the authorization server. Tokens of the org authorization server are only for Okta's own APIs.
 *
 * `requireRole()` reads the claim `groups`. Access tokens have this claim only if you add it in your custom authorization server.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`, or an issuer that is no URL
 */
export function okta({ issuer, clientId, clientSecret, ...additions }: OktaOptions): Preset<WithRoles> {
  const baseUrl = requireBaseUrl('issuer', issuer);
  const isOrg = baseUrl === new URL(baseUrl).origin;
  return mergePreset(
    {
      endpoint: `${baseUrl}${isOrg ? '/oauth2' : ''}/v1/introspect`,
      clientAuth: clientSecretBasic(clientId, requireClientSecret('okta', clientSecret)),
      roles: rolesFrom('groups'),
    },
    additions,
  );
}
