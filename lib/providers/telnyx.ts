import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface TelnyxOptions extends PresetOptions {
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required. */
  readonly clientSecret: Secret;
}

/**
 * Preset for [Telnyx](https://developers.telnyx.com). Responses contain no `sub`, and not every response contains `aud`. The documentation
 * of Telnyx does not name the client authentication method. This preset uses HTTP Basic. If the server rejects the client, write another
 * `clientAuth` after the preset: it replaces the `clientAuth` of the preset.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`
 */
export function telnyx({ clientId, clientSecret, ...additions }: TelnyxOptions): Preset {
  return mergePreset(
    {
      endpoint: 'https://api.telnyx.com/v2/oauth/introspect',
      clientAuth: clientSecretBasic(clientId, requireClientSecret('telnyx', clientSecret)),
    },
    additions,
  );
}
