import { bearerToken, type TokenSource } from '../client-auth/bearer-token.js';
import { noClientAuth } from '../client-auth/no-client-auth.js';
import { secretError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions } from './preset.js';

export interface HydraOptions extends PresetOptions {
  /** Base URL of the admin API, such as `'http://127.0.0.1:4445'`. On Ory Network, it is `https://{slug}.projects.oryapis.com`. */
  readonly adminUrl: string | undefined;
  /**
   * API key of the Ory Network project, or a function that returns it. Leave the option out for an admin port without authentication. The
   * value `undefined` is an error, because an environment variable may be missing.
   */
  readonly apiKey?: string | TokenSource | undefined;
}

/**
 * Preset for [Ory Hydra](https://www.ory.com/docs/hydra/reference/api), 2.0 and later. Responses contain a list of audiences in `aud`. They
 * also contain `token_use`, which tells refresh tokens from access tokens.
 *
 * @throws TypeError for an API key that is `undefined`, empty or cannot be sent, or an invalid URL
 */
export function hydra(options: HydraOptions): Preset {
  const { adminUrl, apiKey, ...additions } = ownMembers(options);
  const isOpen = !Object.hasOwn(options, 'apiKey');
  if (!isOpen && (apiKey === undefined || apiKey === '')) {
    throw secretError('apiKey', apiKey, 'write a non-empty string, or leave it out; is the environment variable set?');
  }
  return mergePreset(
    {
      endpoint: `${requireBaseUrl('adminUrl', adminUrl)}/admin/oauth2/introspect`,
      clientAuth: isOpen ? noClientAuth() : bearerToken(apiKey),
    },
    additions,
  );
}
