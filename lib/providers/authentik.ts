import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface AuthentikOptions extends PresetOptions {
  /** Base URL of the server, such as `'https://authentik.example.com'`. */
  readonly url: string | undefined;
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** The client's secret, or a function that returns the current one. Required. */
  readonly clientSecret: Secret;
}

/**
 * [authentik](https://docs.goauthentik.io/add-secure-apps/providers/oauth2/). Replies name the audience (a client
 * identifier), and no kind of token. It answers `active: false` to wrong credentials too, which then look like bad tokens.
 *
 * @throws TypeError for missing credentials or a URL that is none
 */
export function authentik({ url, clientId, clientSecret, ...additions }: AuthentikOptions): Preset {
  return mergePreset(
    {
      endpoint: `${requireBaseUrl('url', url)}/application/o/introspect/`,
      clientAuth: clientSecretBasic(clientId, requireClientSecret('authentik', clientSecret), { encode: false }),
    },
    additions,
  );
}
