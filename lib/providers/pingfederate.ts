import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface PingfederateOptions extends PresetOptions {
  /** Base URL of the runtime engine, such as `'https://sso.example.com:9031'`. */
  readonly url: string | undefined;
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** The client's secret, or a function that returns the current one. Required. */
  readonly clientSecret: Secret;
}

/**
 * [PingFederate](https://docs.pingidentity.com/pingfederate/latest/developers_reference_guide/pf_introspec_endpoint.html).
 * Replies name a subject and an audience where the access token manager maps them, and a scope where it is more than the
 * default one.
 *
 * @throws TypeError for missing credentials or a URL that is none
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
