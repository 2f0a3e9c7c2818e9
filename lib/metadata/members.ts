import { type Rule, readOptions, throwOptionError } from '../options/rules.js';
import { MEMBER_RULES } from './rules.js';

const PREFIX = 'metadata.';

/** RFC 9728 section 2.1, with the shape of a language tag. */
const IN_LANGUAGE = /^(resource_(?:name|documentation|policy_uri|tos_uri))#[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/;

/**
 * What the metadata say besides what the options of the middleware do, spelled as
 * [RFC 9728 section 2](https://www.rfc-editor.org/rfc/rfc9728#section-2) spells it.
 */
export interface ResourceMetadata {
  /**
   * The resource identifier, published exactly as it is written here: an `https:` URL without fragment (`http:` on loopback hosts).
   * Default the `audience`, where that is one such URL; else required.
   */
  readonly resource?: string | undefined;
  /**
   * Issuer identifiers of the authorization servers whose tokens are accepted. Default the `authorizationServer` of the middleware,
   * else its `issuer`, where that is such a URL; of several servers all of them. Else required; at least one.
   */
  readonly authorization_servers?: readonly string[] | undefined;
  /** Scopes clients may ask for, such as those of guards; the `scopes` of the middleware are added. */
  readonly scopes_supported?: readonly string[] | undefined;
  /** With `getToken` alone, which does not say where it looks. `[]`: in none of the ways of RFC 6750. */
  readonly bearer_methods_supported?: readonly ('header' | 'body' | 'query')[] | undefined;
  /** URL of this API's own public keys. */
  readonly jwks_uri?: string | undefined;
  /** What this API signs its responses with. */
  readonly resource_signing_alg_values_supported?: readonly string[] | undefined;
  /** The `type`s of RFC 9396 that this API understands. */
  readonly authorization_details_types_supported?: readonly string[] | undefined;
  /** Whether plain tokens are refused. Default `true` with `dpop.required`; else you have to refuse them yourself. */
  readonly dpop_bound_access_tokens_required?: boolean | undefined;
  /** For people to read; in a language as `resource_name#de`, and so with the three below. */
  readonly resource_name?: string | undefined;
  /** URL of a page for developers. */
  readonly resource_documentation?: string | undefined;
  /** URL of a page on what clients may do with what they get. */
  readonly resource_policy_uri?: string | undefined;
  /** URL of the terms of service. */
  readonly resource_tos_uri?: string | undefined;
  readonly [inLanguage: `resource_${'name' | 'documentation' | 'policy_uri' | 'tos_uri'}#${string}`]:
    | string
    | undefined;
}

/** @throws TypeError */
export function readMembers(given: ResourceMetadata): ResourceMetadata {
  const rules = { ...MEMBER_RULES };
  for (const name of Object.keys(Object(given))) {
    const [, general] = IN_LANGUAGE.exec(name) ?? [];
    if (general !== undefined) rules[PREFIX + name] = MEMBER_RULES[PREFIX + general] as Rule;
  }
  return readOptions(given, rules, PREFIX);
}

/** @throws TypeError always */
export function refuseMember(name: keyof ResourceMetadata, given?: unknown): never {
  throwOptionError(PREFIX + name, given, MEMBER_RULES);
}
