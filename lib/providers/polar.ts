import { clientSecretPost } from '../client-auth/client-secret-post.js';
import type { Secret } from '../client-auth/secret.js';
import { optionError } from '../core/option-error.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface PolarOptions extends PresetOptions {
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required. */
  readonly clientSecret: Secret;
  /** Environment of Polar. Default: `'production'`. */
  readonly server?: 'production' | 'sandbox' | undefined;
}

const HOSTS = { production: 'api.polar.sh', sandbox: 'sandbox-api.polar.sh' };

/**
 * Preset for [Polar](https://polar.sh/docs/api-reference/oauth2/connect/introspect-token). Responses contain `aud`, so set `audience`.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`, or an unknown server
 */
export function polar({ clientId, clientSecret, server = 'production', ...additions }: PolarOptions): Preset {
  if (!Object.hasOwn(HOSTS, server)) throw optionError('server', server, "write 'production' or 'sandbox'");
  return mergePreset(
    {
      endpoint: `https://${HOSTS[server]}/v1/oauth2/introspect`,
      clientAuth: clientSecretPost(clientId, requireClientSecret('polar', clientSecret)),
    },
    additions,
  );
}
