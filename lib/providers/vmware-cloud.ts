import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { optionError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import type { EndpointOptions } from '../options/types.js';
import { mergePreset, type NoAudience, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface VmwareCloudOptions extends PresetOptions {
  /** URL of the introspection endpoint of your organization. The documentation of VMware does not name this URL. Required. */
  readonly endpoint: EndpointOptions['endpoint'] | undefined;
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /**
   * Client secret, or a function that returns the current secret. Leave the option out for a public client, which authenticates with an
   * empty secret. The value `undefined` is an error, because an environment variable may be missing.
   */
  readonly clientSecret?: Secret;
}

/**
 * Preset for VMware Cloud Services. The server introspects only refresh tokens, so this preset allows refresh tokens. Responses contain no
 * `aud` and no `scope`.
 *
 * @throws TypeError for a missing endpoint or `clientId`, or a `clientSecret` that is `undefined` or empty
 */
export function vmwareCloud(options: VmwareCloudOptions): Preset<
  NoAudience & {
    /** Refresh tokens are accepted, because the server introspects only refresh tokens. */
    readonly allowRefreshTokens: true;
  }
> {
  const { endpoint, clientId, clientSecret, ...additions } = ownMembers(options);
  if (endpoint === undefined || endpoint === '') {
    throw optionError('endpoint', endpoint, 'write the URL of the introspection endpoint of your organization');
  }
  const isPublic = !Object.hasOwn(options, 'clientSecret');
  return mergePreset(
    {
      endpoint,
      clientAuth: clientSecretBasic(clientId, isPublic ? '' : requireClientSecret('vmwareCloud', clientSecret), {
        encode: false,
        allowEmptySecret: isPublic,
      }),
      audience: false,
      allowRefreshTokens: true,
    },
    additions,
  );
}
