import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface TelnyxOptions extends PresetOptions {
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** The client's secret, or a function that returns the current one. Required. */
  readonly clientSecret: Secret;
}

/**
 * [Telnyx](https://developers.telnyx.com). Replies name no `sub`, and an audience only perhaps.
 * Its documentation does not spell out the client authentication method: this is Basic; spread another `clientAuth` over it if need be.
 *
 * @throws TypeError for missing credentials
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
