import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import { type PrivateKeyJwtOptions, privateKeyJwt } from '../client-auth/private-key-jwt.js';
import type { Secret } from '../client-auth/secret.js';
import { secretError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';
import { membersOf, type WithRoles } from './roles.js';

export interface ZitadelOptions extends PresetOptions {
  /** Issuer identifier, such as `'https://example.zitadel.cloud'`. With a `key`, it is also the `aud` of the client's JWTs. Required. */
  readonly issuer: string | undefined;
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Client secret, for an application that authenticates with HTTP Basic. */
  readonly clientSecret?: Secret;
  /** Private key, for an application that authenticates with a JWT. It is the member `key` of the key file that Zitadel creates. */
  readonly key?: PrivateKeyJwtOptions['key'];
  /** Identifier of the private key. It is the member `keyId` of the key file that Zitadel creates. */
  readonly keyId?: string | undefined;
}

/**
 * Name of a claim that holds the roles of the project: each member of the claim has the name of a role, and lists the organizations that
 * granted the role.
 */
const ROLES = 'urn:zitadel:iam:org:project:roles';

/**
 * Preset for [Zitadel](https://zitadel.com/docs/guides/integrate/token-introspection), for an application of type API. Set `clientSecret`,
 * or `key` and `keyId`. Responses contain a list of audiences: project and client identifiers.
 *
 * `requireRole()` reads the claim `urn:zitadel:iam:org:project:roles`. A role counts, whichever organization granted it.
 *
 * @throws TypeError for a missing `clientId`, `clientSecret` or `key`, for a secret together with a key, or an issuer that is no URL
 */
export function zitadel(options: ZitadelOptions): Preset<WithRoles> {
  const { issuer, clientId, clientSecret, key, keyId, ...additions } = ownMembers(options);
  const baseUrl = requireBaseUrl('issuer', issuer);
  const isSigned = Object.hasOwn(options, 'key') || Object.hasOwn(options, 'keyId');
  if (isSigned && Object.hasOwn(options, 'clientSecret')) {
    throw secretError(
      'clientSecret',
      clientSecret,
      'leave it out when "key" is set, because an application has either a secret or a key',
    );
  }
  return mergePreset(
    {
      endpoint: `${baseUrl}/oauth/v2/introspect`,
      clientAuth: isSigned
        ? privateKeyJwt({ clientId, key, keyId, audience: baseUrl })
        : clientSecretBasic(clientId, requireClientSecret('zitadel', clientSecret)),
      roles: (claims) => membersOf(claims, ROLES).map(([role]) => role),
    },
    additions,
  );
}
