import { type Rule, readOptions, rejectOption } from '../options/read-options.js';
import { MEMBER_RULES } from './rules.js';

const PREFIX = 'metadata.';

/** Name of a member with a text in one language: the member's plain name, `#` and a language tag (RFC 9728 section 2.1). */
const IN_LANGUAGE = /^(resource_(?:name|documentation|policy_uri|tos_uri))#[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/;

/**
 * Members of the protected resource metadata that the app may set. All other members follow from the options of the middleware. The names
 * are those of [RFC 9728 section 2](https://www.rfc-editor.org/rfc/rfc9728#section-2).
 */
export interface ResourceMetadata {
  /**
   * The resource identifier: an `https:` URL without a fragment; `http:` is allowed on loopback hosts. It is published exactly as it is
   * written here. Default: the `audience` of the middleware, if that is exactly one such URL; otherwise required.
   */
  readonly resource?: string | undefined;
  /**
   * Issuer identifiers of the authorization servers whose tokens are accepted, at least one. Default: the `authorizationServer` of the
   * middleware, otherwise its `issuer`; with several servers, the identifiers of all of them. Required if an identifier is unknown, or is
   * not an `https:` URL (`http:` on loopback hosts) without query and fragment.
   */
  readonly authorization_servers?: readonly string[] | undefined;
  /**
   * Scopes that clients may request, such as those of guards. The `scopes` of the middleware are added. Default: only the `scopes` of the
   * middleware.
   */
  readonly scopes_supported?: readonly string[] | undefined;
  /**
   * Methods by which clients may send the token to this API. Set this member only if the middleware has `getToken`; otherwise the member
   * follows from the middleware. Write `[]` if clients use none of the methods of RFC 6750. Default with `getToken`: not published.
   */
  readonly bearer_methods_supported?: readonly ('header' | 'body' | 'query')[] | undefined;
  /** URL of the public keys of this API. Default: not published. */
  readonly jwks_uri?: string | undefined;
  /** Algorithms with which this API signs its responses. Default: not published. */
  readonly resource_signing_alg_values_supported?: readonly string[] | undefined;
  /**
   * Types of `authorization_details` that this API understands ([RFC 9396](https://www.rfc-editor.org/rfc/rfc9396)). Default: not
   * published.
   */
  readonly authorization_details_types_supported?: readonly string[] | undefined;
  /**
   * Whether only tokens that are bound to a DPoP key are accepted. Default: `true` with `dpop.required`, otherwise not published. If you
   * write `true` without `dpop.required`, the middleware accepts other tokens too, and your app must reject them. `false` with
   * `dpop.required` is an error.
   */
  readonly dpop_bound_access_tokens_required?: boolean | undefined;
  /**
   * Name of this API, for people to read. This member, `resource_documentation`, `resource_policy_uri` and `resource_tos_uri` may have a
   * language tag, such as `resource_name#de`.
   */
  readonly resource_name?: string | undefined;
  /** URL of a page for developers. */
  readonly resource_documentation?: string | undefined;
  /** URL of a page about how clients may use the data. */
  readonly resource_policy_uri?: string | undefined;
  /** URL of the terms of service. */
  readonly resource_tos_uri?: string | undefined;
  readonly [inLanguage: `resource_${'name' | 'documentation' | 'policy_uri' | 'tos_uri'}#${string}`]:
    | string
    | undefined;
}

/**
 * Copies and checks the metadata that the app wrote.
 *
 * @throws TypeError for an unknown or invalid member
 */
export function readMembers(metadata: ResourceMetadata): ResourceMetadata {
  const rules = { ...MEMBER_RULES };
  for (const name of Object.keys(Object(metadata))) {
    const [, untagged] = IN_LANGUAGE.exec(name) ?? [];
    if (untagged !== undefined) rules[PREFIX + name] = MEMBER_RULES[PREFIX + untagged] as Rule;
  }
  return readOptions(metadata, rules, PREFIX);
}

/**
 * Always throws. It is called for a member that is missing and has no default.
 *
 * @throws TypeError
 */
export function rejectMember(name: keyof ResourceMetadata): never {
  rejectOption(PREFIX + name, undefined, MEMBER_RULES);
}
