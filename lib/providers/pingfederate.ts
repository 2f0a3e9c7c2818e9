import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface PingfederateOptions extends PresetOptions {
  /** Base URL of the runtime engine, such as `'https://sso.example.com:9031'`. */
  readonly url: string | undefined;
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required. */
  readonly clientSecret: Secret;
}

/**
 * Preset for [PingFederate](https://docs.pingidentity.com/pingfederate/latest/developers_reference_guide/pf_introspec_endpoint.html).
 * Responses contain `sub` and `aud` if the access token manager maps them, and `scope` if the token has more than the default scope.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`, or an invalid URL
 */
export function pingfederate({ url, clientId, clientSecret, ...additions }: PingfederateOptions): Preset {
  return mergePreset(
    {
      endpoint: `${requireBaseUrl('url', url)}/as/introspect.oauth2`,
      clientAuth: clientSecretBasic(clientId, requireClientSecret('pingfederate', clientSecret)),
    },
    additions,
  );
}
