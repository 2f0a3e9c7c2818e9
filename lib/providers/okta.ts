import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface OktaOptions extends PresetOptions {
  /** Of a custom authorization server (`https://example.okta.com/oauth2/default`), or your Okta domain (`https://example.okta.com`) for the org's. */
  readonly issuer: string | undefined;
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** The client's secret, or a function that returns the current one. Required. */
  readonly clientSecret: Secret;
}

/**
 * [Okta](https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/customas). Replies name the audience that the
 * authorization server is set up with; tokens of the org authorization server are meant for Okta's own APIs.
 *
 * @throws TypeError for missing credentials or an issuer that is no URL
 */
export function okta({ issuer, clientId, clientSecret, ...additions }: OktaOptions): Preset {
  const baseUrl = requireBaseUrl('issuer', issuer);
  const isOrg = baseUrl === new URL(baseUrl).origin;
  return mergePreset(
    {
      endpoint: `${baseUrl}${isOrg ? '/oauth2' : ''}/v1/introspect`,
      clientAuth: clientSecretBasic(clientId, requireClientSecret('okta', clientSecret)),
    },
    additions,
  );
}
