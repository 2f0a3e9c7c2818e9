import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import { type PrivateKeyJwtOptions, privateKeyJwt } from '../client-auth/private-key-jwt.js';
import type { Secret } from '../client-auth/secret.js';
import { secretError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface ZitadelOptions extends PresetOptions {
  /** Such as `'https://example.zitadel.cloud'`. Signed client authentication is meant for it. */
  readonly issuer: string | undefined;
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** Of an application that authenticates with Basic. */
  readonly clientSecret?: Secret;
  /** Of an application that authenticates with a JWT: `key` of its key file. */
  readonly key?: PrivateKeyJwtOptions['key'];
  /** `keyId` of the key file. */
  readonly keyId?: string | undefined;
}

/**
 * [Zitadel](https://zitadel.com/docs/guides/integrate/token-introspection), for an application of type API: with
 * `clientSecret`, or with `key` and `keyId`. Replies name a list of audiences, project and client identifiers.
 *
 * @throws TypeError for missing credentials, for both kinds of them, or an issuer that is no URL
 */
export function zitadel(options: ZitadelOptions): Preset {
  const { issuer, clientId, clientSecret, key, keyId, ...additions } = ownMembers(options);
  const baseUrl = requireBaseUrl('issuer', issuer);
  const isSigned = Object.hasOwn(options, 'key') || Object.hasOwn(options, 'keyId');
  if (isSigned && Object.hasOwn(options, 'clientSecret')) {
    throw secretError(
      'clientSecret',
      clientSecret,
      'leave it out beside "key": an application has the one or the other',
    );
  }
  return mergePreset(
    {
      endpoint: `${baseUrl}/oauth/v2/introspect`,
      clientAuth: isSigned
        ? privateKeyJwt({ clientId, key, keyId, audience: baseUrl })
        : clientSecretBasic(clientId, requireClientSecret('zitadel', clientSecret)),
    },
    additions,
  );
}
