import { clientSecretBasic } from '../introspection/client-auth/client-secret-basic.js';
import type { EndpointOptions } from '../options.js';
import { mergePreset, type Preset, type PresetOptions } from './preset.js';

export interface VmwareCloudOptions extends PresetOptions {
  /** Its documentation names no URL: take your organisation's. */
  readonly endpoint: EndpointOptions['endpoint'];
  readonly clientId: string | undefined;
  /** Left out for a public client, which authenticates with an empty secret. */
  readonly clientSecret?: string | undefined;
}

/**
 * VMware Cloud Services. It introspects refresh tokens only, so these are accepted here; replies name no audience and no scope.
 *
 * @throws TypeError for missing credentials
 */
export function vmwareCloud({
  endpoint,
  clientId,
  clientSecret,
  ...additions
}: VmwareCloudOptions): Preset<{ readonly audience: false; readonly allowRefreshTokens: true }> {
  return mergePreset(
    {
      endpoint,
      clientAuth: clientSecretBasic(clientId, clientSecret ?? '', { allowEmptySecret: clientSecret === undefined }),
      audience: false,
      allowRefreshTokens: true,
    },
    additions,
  );
}
