import { requireClientId } from '../client-auth/client-identifier.js';
import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import type { RoleReader } from '../core/claims.js';
import type { ClientAuth } from '../core/client-auth.js';
import { secretError } from '../core/option-error.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import { stringsOf } from '../core/strings.js';
import { requireBaseUrl, requireSegment } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';
import { membersOf, type WithRoles } from './roles.js';

export interface KeycloakOptions extends PresetOptions {
  /** Base URL of the server, such as `'https://sso.example.com'`; before Keycloak 17 it ends in `/auth`. */
  readonly url: string | undefined;
  /** Name of the realm that issues the tokens. Required. */
  readonly realm: string | undefined;
  /** Identifier of a confidential client. Keycloak does not let public clients introspect tokens. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required unless `clientAuth` is set. */
  readonly clientSecret?: Secret;
  /**
   * Another client authentication than with a secret, for example `clientAssertion(…)` for federated client authentication. Default: HTTP
   * Basic with `clientSecret`.
   */
  readonly clientAuth?: ClientAuth | undefined;
}

/**
 * Preset for [Keycloak](https://www.keycloak.org/securing-apps/oidc-layers#_token_introspection_endpoint). Responses contain `aud` only if
 * client roles of the user or an audience mapper add it. Configure client roles or an audience mapper, and set `audience`. Newer servers
 * respond that a token is inactive if its `aud` does not contain your client.
 *
 * `requireRole()` takes the notation of keycloak-connect: `realm:admin` is a role of the realm, `reader` is a role of the client
 * `clientId`, and `other:reader` is a role of the client `other`. A role of `clientId` with a colon in its name is written with the client:
 * `reports-api:reports:read`. If the identifier of another client has a colon, the roles of that client are left out.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`, for a secret together with `clientAuth`, a missing realm or an invalid URL
 */
export function keycloak(options: KeycloakOptions): Preset<WithRoles> {
  const { url, realm, clientId, clientSecret, clientAuth, ...additions } = ownMembers(options);
  if (clientAuth !== undefined && clientSecret !== undefined) {
    throw secretError('clientSecret', clientSecret, 'leave it out when "clientAuth" is set');
  }
  const realmPath = `/realms/${requireSegment('realm', realm)}`;
  return mergePreset(
    {
      endpoint: `${requireBaseUrl('url', url)}${realmPath}/protocol/openid-connect/token/introspect`,
      clientAuth: clientAuth ?? clientSecretBasic(clientId, requireClientSecret('keycloak', clientSecret)),
      roles: rolesFor(requireClientId(clientId)),
    },
    additions,
  );
}

/**
 * Reads roles of the realm and of clients. Every role gets a name that no other role can have. In a name with a colon, the part before the
 * first colon is always a client or `realm`, and the part after it is the role. So no role of one client can be mistaken for a role of
 * another client.
 */
function rolesFor(clientId: string): RoleReader {
  return (claims) => {
    const ofRealm = rolesIn(ownMember(claims, 'realm_access')).map((role) => `realm:${role}`);
    const ofClients = membersOf(claims, 'resource_access').flatMap(([client, access]) =>
      rolesIn(access).flatMap((role) => namesOf(client, role, clientId)),
    );
    return [...ofRealm, ...ofClients];
  };
}

function namesOf(client: string, role: string, clientId: string): string[] {
  const qualified = isName(client) ? [`${client}:${role}`] : [];
  return client === clientId && !role.includes(':') ? [role, ...qualified] : qualified;
}

/** Whether the identifier of a client may be used before a colon in the name of a role. */
function isName(client: string): boolean {
  return client !== 'realm' && !client.includes(':');
}

function rolesIn(access: unknown): readonly string[] {
  const roles = ownMember(access, 'roles');
  return Array.isArray(roles) ? stringsOf(roles) : [];
}
