import { z } from 'zod';
import { remedyForUrl } from '../core/endpoint-url.js';
import { SCOPE_TOKEN } from '../core/syntax.js';
import type { Rule, Rules } from '../options/read-options.js';

const MAX_AGE_SECONDS = 86_400;

const VISIBLE = /^[\x21-\x7e]+$/;

const text = () => z.string().min(1);
const names = () => z.array(text().refine((value) => value !== 'none'));
const url = () => z.string().regex(VISIBLE).refine(isSecureUrl);
const page: Rule = [
  () => z.string().refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)),
  'write the URL of a page',
];
const derived: Rule = [() => z.never(), 'leave it out: it follows from the options of the middleware'];

const issuerUrl = () => url().refine((value) => !value.includes('?'));

/** Rules for the values of the members that the app may set in the metadata (RFC 9728 section 2). */
export const MEMBER_RULES: Rules = {
  'metadata.resource': [
    url,
    "write the URL of this API, such as 'https://api.example.com/v1': https:, and no fragment",
  ],
  'metadata.authorization_servers': [
    () => z.array(issuerUrl()).min(1),
    "write the issuer identifiers of the authorization servers, such as ['https://as.example.com']",
  ],
  'metadata.scopes_supported': [
    () => z.array(z.string().regex(SCOPE_TOKEN)),
    "write a list of scopes such as ['reports:read'], one scope each",
  ],
  'metadata.bearer_methods_supported': [
    () => z.array(z.enum(['header', 'body', 'query'])),
    "write a list of 'header', 'body' and 'query'",
  ],
  'metadata.jwks_uri': [url, 'write the https: URL of a JWK Set'],
  'metadata.resource_signing_alg_values_supported': [names, "write a list of algorithms such as ['ES256']"],
  'metadata.authorization_details_types_supported': [() => z.array(text()), 'write a list of types'],
  'metadata.dpop_bound_access_tokens_required': [() => z.boolean(), 'write true or false'],
  'metadata.resource_name': [text, 'write a name for people to read'],
  'metadata.resource_documentation': page,
  'metadata.resource_policy_uri': page,
  'metadata.resource_tos_uri': page,
  'metadata.dpop_signing_alg_values_supported': derived,
  'metadata.tls_client_certificate_bound_access_tokens': derived,
  'metadata.signed_metadata': [() => z.never(), 'leave it out, and give a key to "signed"'],
};

/** Rules for the options of `protectedResourceMetadata()`. */
export const PUBLISHING_RULES: Rules = {
  signed: [
    () => z.union([z.record(z.string(), z.unknown()), z.custom((value) => typeof value === 'function')]),
    'write { key, … }, or a function that signs the metadata',
  ],
  maxAgeSeconds: [
    () => z.int().min(0).max(MAX_AGE_SECONDS),
    `write a whole number of seconds from 0 to ${MAX_AGE_SECONDS}`,
  ],
};

export const SIGNED_RULES: Rules = {
  'signed.key': [() => z.unknown(), 'write a private key: PEM, JWK, KeyObject or CryptoKey'],
  'signed.alg': [text, "write an algorithm of the key, such as 'ES256'"],
  'signed.keyId': [text, 'write the "kid" of the key'],
  'signed.issuer': [text, 'write the "iss" of the signed metadata'],
};

export function isResource(value: string): boolean {
  return url().safeParse(value).success;
}

export function isIssuer(value: string): boolean {
  return issuerUrl().safeParse(value).success;
}

function isSecureUrl(value: string): boolean {
  return URL.canParse(value) && !value.includes('#') && remedyForUrl(new URL(value), false) === undefined;
}
