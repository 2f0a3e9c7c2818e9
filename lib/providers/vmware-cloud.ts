import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { ownMembers } from '../core/own-members.js';
import type { EndpointOptions } from '../options/types.js';
import { mergePreset, type NoAudience, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface VmwareCloudOptions extends PresetOptions {
  /** Its documentation names no URL: take your organisation's. */
  readonly endpoint: EndpointOptions['endpoint'];
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** Left out for a public client, which authenticates with an empty secret. Written but undefined, it is missing. */
  readonly clientSecret?: Secret;
}

/**
 * VMware Cloud Services. It introspects refresh tokens only, so these are accepted here; replies name no audience and no scope.
 *
 * @throws TypeError for missing credentials
 */
export function vmwareCloud(options: VmwareCloudOptions): Preset<
  NoAudience & {
    /** It introspects nothing else. */
    readonly allowRefreshTokens: true;
  }
> {
  const { endpoint, clientId, clientSecret, ...additions } = ownMembers(options);
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
