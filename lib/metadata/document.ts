import { isDeepStrictEqual } from 'node:util';
import type { Authenticator } from '../authenticator.js';
import { optionError } from '../core/option-error.js';
import type { Policy } from '../policy.js';
import { type ResourceMetadata, readMembers, refuseMember } from './members.js';
import { isIssuer, isResource } from './rules.js';

/** The metadata as they are published, but for their signature. */
export interface MetadataDocument {
  /** The resource identifier. */
  readonly resource: string;
  readonly [member: string]: unknown;
}

/** What the options of a middleware say of the resource behind it. */
export interface ResourceDescription {
  readonly audience: readonly string[] | false;
  /** As far as they are known by their issuer identifiers. */
  readonly authorizationServers: readonly string[];
  readonly scopes: readonly string[];
  /** `undefined`: the app's own code takes the token from where it likes. */
  readonly bearerMethods: readonly string[] | undefined;
  readonly dpopAlgorithms: readonly string[] | undefined;
  readonly requiresDpop: boolean;
  readonly takesCertificates: boolean;
}

/** Of several servers, which read requests alike. An audience that they do not share is not known. */
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
    takesCertificates: certificateThumbprint !== undefined,
  };
}

function bearerMethodsOf(tokenFromBody: boolean, requiresDpop: boolean): readonly string[] {
  if (requiresDpop) return [];
  return tokenFromBody ? ['header', 'body'] : ['header'];
}

/** @throws TypeError */
export function createDocument(given: ResourceMetadata, description: ResourceDescription): MetadataDocument {
  const members = readMembers(given);
  const {
    resource = resourceOf(description) ?? refuseMember('resource'),
    authorization_servers = issuersOf(description) ?? refuseMember('authorization_servers'),
    scopes_supported: scopes = [],
    bearer_methods_supported: bearerMethods,
    dpop_bound_access_tokens_required: requiresDpop = description.requiresDpop || undefined,
    ...others
  } = members;
  if (bearerMethods !== undefined && description.bearerMethods !== undefined) {
    throw optionError(
      'metadata.bearer_methods_supported',
      bearerMethods,
      'leave it out: "tokenFromBody" of the middleware says it',
    );
  }
  if (requiresDpop === false && description.requiresDpop) {
    throw optionError(
      'metadata.dpop_bound_access_tokens_required',
      requiresDpop,
      'leave it out: "dpop.required" of the middleware says it',
    );
  }
  const document = {
    resource,
    authorization_servers,
    scopes_supported: [...new Set([...description.scopes, ...scopes])],
    bearer_methods_supported: bearerMethods ?? description.bearerMethods,
    dpop_signing_alg_values_supported: description.dpopAlgorithms,
    dpop_bound_access_tokens_required: requiresDpop,
    tls_client_certificate_bound_access_tokens: description.takesCertificates || undefined,
    ...others,
  };
  // A copy, so that nobody changes it later.
  return structuredClone(Object.fromEntries(Object.entries(document).filter(says))) as MetadataDocument;
}

/** Empty lists are left out (RFC 9728 section 3.2), but for the one to which section 2 gives a meaning. */
function says([name, value]: [string, unknown]): boolean {
  return value !== undefined && (name === 'bearer_methods_supported' || !(Array.isArray(value) && value.length === 0));
}

function resourceOf({ audience }: ResourceDescription): string | undefined {
  const [only, another] = audience === false ? [] : audience;
  return only !== undefined && another === undefined && isResource(only) ? only : undefined;
}

function issuersOf({ authorizationServers }: ResourceDescription): readonly string[] | undefined {
  return authorizationServers.length > 0 && authorizationServers.every(isIssuer) ? authorizationServers : undefined;
}
