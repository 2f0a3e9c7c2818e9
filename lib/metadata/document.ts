import { isDeepStrictEqual } from 'node:util';
import type { Authenticator } from '../authenticator.js';
import { optionError } from '../core/option-error.js';
import type { Policy } from '../policy.js';
import { type ResourceMetadata, readMembers, rejectMember } from './members.js';
import { isIssuer, isResource } from './rules.js';

/** The protected resource metadata as they are published, but without the member `signed_metadata`. */
export interface MetadataDocument {
  /** The resource identifier, which is the URL of the API. */
  readonly resource: string;
  readonly [member: string]: unknown;
}

/** The parts of the protected resource metadata that follow from the options of a middleware. */
export interface ResourceDescription {
  readonly audience: readonly string[] | false;
  /** Issuer identifiers of all authorization servers. The list is empty if the identifier of one server is unknown. */
  readonly authorizationServers: readonly string[];
  readonly scopes: readonly string[];
  /**
   * The methods of RFC 6750 by which clients may send a token: `header`, or `header` and `body`; empty if the middleware has
   * `dpop.required`. `undefined` if the middleware has `getToken`, which may read the token anywhere.
   */
  readonly bearerMethods: readonly string[] | undefined;
  readonly dpopAlgorithms: readonly string[] | undefined;
  readonly requiresDpop: boolean;
  readonly acceptsCertificates: boolean;
}

/**
 * Describes one resource, which has one authenticator for each of its authorization servers. All authenticators read requests in the same
 * way, so the first authenticator shows how. If the audiences of the authenticators differ, `audience` is `false`.
 */
export function describeResource(authenticators: readonly Authenticator[]): ResourceDescription {
  const policies = authenticators.map(({ policy }) => policy);
  const [{ audience, getToken, tokenFromBody, dpop, certificateThumbprint }] = policies as [Policy];
  const isShared = policies.every((policy) => isDeepStrictEqual(policy.audience, audience));
  const issuers = authenticators.map(({ introspector, policy }) => introspector.issuer ?? policy.issuer);
  const requiresDpop = dpop?.isRequired === true;
  return {
    audience: isShared && audience,
    authorizationServers: issuers.every((issuer) => issuer !== undefined) ? [...new Set(issuers)] : [],
    scopes: [...new Set(policies.flatMap(({ scopes }) => scopes))],
    bearerMethods: getToken === undefined ? bearerMethodsOf(tokenFromBody, requiresDpop) : undefined,
    dpopAlgorithms: dpop?.algorithms,
    requiresDpop,
    acceptsCertificates: certificateThumbprint !== undefined,
  };
}

function bearerMethodsOf(tokenFromBody: boolean, requiresDpop: boolean): readonly string[] {
  if (requiresDpop) return [];
  return tokenFromBody ? ['header', 'body'] : ['header'];
}

/**
 * Combines the metadata that the app wrote with the metadata that follow from the middleware.
 *
 * @throws TypeError for a missing, unknown, invalid or contradictory member
 */
export function createDocument(metadata: ResourceMetadata, description: ResourceDescription): MetadataDocument {
  const members = readMembers(metadata);
  const {
    resource = resourceOf(description) ?? rejectMember('resource'),
    authorization_servers = issuersOf(description) ?? rejectMember('authorization_servers'),
    scopes_supported: scopes = [],
    bearer_methods_supported: bearerMethods,
    dpop_bound_access_tokens_required: requiresDpop = description.requiresDpop || undefined,
    ...others
  } = members;
  if (bearerMethods !== undefined && description.bearerMethods !== undefined) {
    throw optionError(
      'metadata.bearer_methods_supported',
      bearerMethods,
      'leave it out: it follows from "tokenFromBody" of the middleware',
    );
  }
  if (requiresDpop === false && description.requiresDpop) {
    throw optionError(
      'metadata.dpop_bound_access_tokens_required',
      requiresDpop,
      'leave it out: it follows from "dpop.required" of the middleware',
    );
  }
  const document = {
    resource,
    authorization_servers,
    scopes_supported: [...new Set([...description.scopes, ...scopes])],
    bearer_methods_supported: bearerMethods ?? description.bearerMethods,
    dpop_signing_alg_values_supported: description.dpopAlgorithms,
    dpop_bound_access_tokens_required: requiresDpop,
    tls_client_certificate_bound_access_tokens: description.acceptsCertificates || undefined,
    ...others,
  };
  // Copied, so that the app cannot change the document later through its own objects.
  return structuredClone(Object.fromEntries(Object.entries(document).filter(isPublished))) as MetadataDocument;
}

/**
 * Whether a member is published. Members that are `undefined` are left out, and so are empty lists (RFC 9728 section 3.2). The exception is
 * `bearer_methods_supported`, because an empty list of these methods has a meaning (section 2).
 */
function isPublished([name, value]: [string, unknown]): boolean {
  return value !== undefined && (name === 'bearer_methods_supported' || !(Array.isArray(value) && value.length === 0));
}

function resourceOf({ audience }: ResourceDescription): string | undefined {
  const [only, another] = audience === false ? [] : audience;
  return only !== undefined && another === undefined && isResource(only) ? only : undefined;
}

function issuersOf({ authorizationServers }: ResourceDescription): readonly string[] | undefined {
  return authorizationServers.length > 0 && authorizationServers.every(isIssuer) ? authorizationServers : undefined;
}
