import { clientSecretPost } from '../client-auth/client-secret-post.js';
import type { Secret } from '../client-auth/secret.js';
import { optionError } from '../core/option-error.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';
import { rolesFrom, type WithRoles } from './roles.js';

export interface WorkosOptions extends PresetOptions {
  /** Host name of your AuthKit domain, such as `'auth.example.com'`. */
  readonly authkitDomain: string | undefined;
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required. */
  readonly clientSecret: Secret;
}

const HOST = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?$/i;

/**
 * Preset for [WorkOS](https://workos.com/docs/reference/workos-connect/introspection). Responses contain `aud` (a client identifier) and no
 * `scope`.
 *
 * `requireRole()` reads the claims `role`, `roles` and `permissions`. Do not give a role the name of a permission, because `requireRole()`
 * does not tell them apart.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`, or a domain that is no host name
 */
export function workos({ authkitDomain, clientId, clientSecret, ...additions }: WorkosOptions): Preset<WithRoles> {
  if (typeof authkitDomain !== 'string' || !HOST.test(authkitDomain)) {
    throw optionError(
      'authkitDomain',
      authkitDomain,
      "write a host name without https:// and path, such as 'auth.example.com'",
    );
  }
  return mergePreset(
    {
      endpoint: `https://${authkitDomain}/oauth2/introspection`,
      clientAuth: clientSecretPost(clientId, requireClientSecret('workos', clientSecret)),
      roles: rolesFrom('role', 'roles', 'permissions'),
    },
    additions,
  );
}
