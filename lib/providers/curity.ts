import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import type { Secret } from '../client-auth/secret.js';
import { optionError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import type { EndpointReply } from '../introspection/response.js';
import { requireBaseUrl } from './base-url.js';
import { mergePreset, type Preset, type PresetOptions, requireClientSecret } from './preset.js';

export interface CurityOptions extends PresetOptions {
  /** Base URL of the runtime, such as `'https://login.example.com'`. */
  readonly url: string | undefined;
  /** Identifier of a client that has the capability "introspection" in Curity. Required. */
  readonly clientId: string | undefined;
  /** Client secret, or a function that returns the current secret. Required. */
  readonly clientSecret: Secret;
  /** Path of the introspection endpoint, as the token profile of the server sets it. Default: `'/oauth/v2/oauth-introspect'`. */
  readonly path?: string | undefined;
}

const NO_CONTENT = 204;
const JWT_MEDIA_TYPE = /^application\/jwt *(?:;|$)/i;
const JWT = /^[\w-]+\.([\w-]+)\.[\w-]+$/;

/**
 * Preset for the Curity Identity Server with [phantom tokens](https://curity.io/resources/learn/introspect-with-phantom-token/). For an
 * active token, the server responds with a JWT that holds the claims. For any other token, it responds with 204. The signature of the JWT
 * is not verified, because the JWT comes directly from the endpoint, and is trusted like a JSON response.
 *
 * @throws TypeError for a missing `clientId` or `clientSecret`, an invalid URL or an invalid path
 */
export function curity(options: CurityOptions): Preset {
  const { url, clientId, clientSecret, path = '/oauth/v2/oauth-introspect', ...additions } = ownMembers(options);
  if (
    typeof path !== 'string' ||
    !/^\/[^?#]+$/.test(path) ||
    new URL(path, 'https://curity.example').pathname !== path
  ) {
    throw optionError('path', path, "write a path such as '/oauth/v2/oauth-introspect'");
  }
  return mergePreset(
    {
      endpoint: `${requireBaseUrl('url', url)}${path}`,
      clientAuth: clientSecretBasic(clientId, requireClientSecret('curity', clientSecret)),
      headers: { accept: 'application/jwt' },
      normalizeResponse: { statuses: [NO_CONTENT], normalize, identity: 'curity 1' },
    },
    additions,
  );
}

/**
 * Converts a reply to an introspection response (RFC 7662). A 204 becomes an inactive response, and a JWT becomes an active response. If
 * the JWT has a claim `active`, which is unusual, the response has the value of this claim.
 *
 * @throws Error for a reply that is neither a 204 nor a JWT with claims
 */
function normalize({ status, headers, text }: EndpointReply): unknown {
  if (status === NO_CONTENT) return { active: false };
  if (!JWT_MEDIA_TYPE.test(String(headers['content-type']))) throw new Error('not application/jwt');
  const payload = Buffer.from(JWT.exec(text)?.[1] ?? '', 'base64url');
  const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) throw new Error('not an object');
  return { active: true, ...claims };
}
