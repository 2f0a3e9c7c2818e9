import { bearerToken, type TokenSource } from '../client-auth/bearer-token.js';
import { noClientAuth } from '../client-auth/no-client-auth.js';
import { secretError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions } from './preset.js';

export interface HydraOptions extends PresetOptions {
  /** Base URL of the admin API, such as `'http://127.0.0.1:4445'`, or `https://{slug}.projects.oryapis.com` on Ory Network. */
  readonly adminUrl: string | undefined;
  /** Of the Ory Network project. Left out for an admin port that asks for no credentials. Written but undefined, it is missing. */
  readonly apiKey?: string | TokenSource | undefined;
}

/**
 * [Ory Hydra](https://www.ory.com/docs/hydra/reference/api), 2.0 and later. Replies name a list of audiences, and say in
 * `token_use` whether the token is a refresh token.
 *
 * @throws TypeError for an API key that is missing or cannot be sent, or a URL that is none
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
