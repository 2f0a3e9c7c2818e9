// A response of the introspection endpoint (RFC 7662 section 2.2), and the verification of the record that it becomes.
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { requireOneOf, requireOutage, requireRejection } from '../errors.mjs';
import { linesOf, merged, textWithLines } from '../lines.mjs';
import { NOW_SECONDS, SENT_AT } from '../time.mjs';

const CODES = ['bad_response', 'rate_limited', 'server_error', 'unreachable', 'client_rejected'];
const DETAILS = [
  ...['media type', 'not JSON', 'shape', 'nesting', 'too many values', 'too many scopes'],
  ...['active', 'scope', 'client_id', 'username', 'token_type', 'exp', 'iat', 'nbf', 'sub', 'aud', 'iss', 'jti'].map(
    (name) => `member ${name}`,
  ),
];
const REASONS = [
  ...['inactive', 'unsupported_token_type', 'refresh_token', 'expired', 'not_yet_valid', 'issuer_mismatch'],
  ...['audience_mismatch', 'sender_constrained', 'insufficient_scope'],
];
const VALID = {
  active: true,
  aud: 'api',
  iss: 'https://as.example.com',
  scope: 'read write',
  exp: NOW_SECONDS + 60,
  sub: 'user',
};
const POLICY = {
  ...{ audience: ['api'], issuer: 'https://as.example.com', scopes: ['read'], satisfiesScope: undefined },
  ...{ claims: undefined, dpop: undefined, allowRefreshTokens: false, clockToleranceMs: 0 },
};
const JSON_TYPE = 'application/json';

export const introspectionResponse = {
  name: 'introspection-response',
  input:
    'lines with the status, `Content-Type`, `Retry-After` and `WWW-Authenticate`, then the body; `+` before members that are added to a valid body',
  isSynchronous: true,
  maxLength: 4096,
  words: [
    ...[
      '"active":true',
      '"active":false',
      '"scope":"read"',
      '"aud":["api"]',
      '"iss":"https://as.example.com"',
      '"cnf":{}',
    ],
    ...[
      '"exp":',
      '"nbf":',
      '"iat":',
      '"jti":',
      '"token_type":"refresh_token"',
      '"__proto__":',
      '"cnf":{"jkt":""}',
      'null',
    ],
    ...[
      '{"error":"unsupported_token_type"}',
      '"client_id":',
      '"sub":',
      '"use":',
      'application/json',
      '400',
      '401',
      '429',
      '503',
    ],
  ],
  seeds: () => [
    textWithLines('200', JSON_TYPE, '', '', '+{"list":[1,{"a":null}],"scope":["read"]}'),
    textWithLines('200', JSON_TYPE, '', '', '+{"aud":["api","other"],"cnf":null,"username":"user"}'),
    ...[
      VALID,
      { ...VALID, aud: ['other', 'api'], scope: ['read', 'x'], nested: { __proto__: null, list: [1, null, {}] } },
      { ...VALID, cnf: { jkt: 'thumbprint' } },
      { ...VALID, token_type: 'refresh_token' },
      { ...VALID, exp: 0 },
      { ...VALID, aud: 'other' },
      { ...VALID, aud: undefined },
      { ...VALID, iss: 'https://other.example.com' },
      { ...VALID, scope: 'reader' },
      { ...VALID, nbf: NOW_SECONDS + 3600, iat: 0 },
      { ...VALID, sub: null, jti: null },
      { active: false },
      { active: 'true' },
      [],
      null,
    ].map((body) => textWithLines('200', JSON_TYPE, '', '', JSON.stringify(body))),
    textWithLines('200', JSON_TYPE, '', '', `{"__proto__":${JSON.stringify(VALID)},"active":true}`),
    textWithLines('200', 'text/html', '', '', JSON.stringify(VALID)),
    textWithLines('201', JSON_TYPE, '', '', JSON.stringify(VALID)),
    textWithLines('200', JSON_TYPE, '', '', `{"active":true,"deep":${'['.repeat(40)}${']'.repeat(40)}}`),
    textWithLines('400', JSON_TYPE, '', '', '{"error":"unsupported_token_type"}'),
    textWithLines('400', 'text/plain', '', '', '{"active":true}'),
    textWithLines('401', 'text/html', '', 'Basic realm="as"', '<html>'),
    textWithLines('403', 'text/html', '', '', '<html>'),
    textWithLines('429', '', '30', '', ''),
    textWithLines('503', '', 'Fri, 31 Dec 1999 23:59:59 GMT', '', ''),
    textWithLines('302', '', '', '', ''),
  ],
  typical: (length) =>
    textWithLines(
      '200',
      JSON_TYPE,
      '',
      '',
      JSON.stringify({ ...VALID, list: new Array(Math.ceil(length / 5)).fill('ab') }),
    ),
  guards: [
    { file: 'introspection/response.js', from: 'active: zod_1.z.literal(true)', to: 'active: zod_1.z.any()' },
    { file: 'introspection/response.js', from: 'if (response.status !== OK)', to: 'if (response.status === 0)' },
    { file: 'introspection/response.js', from: 'if (!(0, json_js_1.isJson)(response))', to: 'if (false)' },
    { file: 'introspection/response.js', from: 'return Object.setPrototypeOf(copy, null)', to: 'return copy' },
    { file: 'verification/verify.js', from: '(0, audience_js_1.requireAudience)(record, policy)', to: 'undefined' },
    {
      file: 'verification/verify.js',
      from: '(0, lifetime_js_1.requireLifetime)(record, policy, now)',
      to: 'undefined',
    },
    { file: 'introspection/response.js', from: '? `member', to: '? JSON.stringify(issues) + `member' },
  ],

  create(load) {
    const { parseResponse } = load('introspection/response.js');
    const { requireActive, verify } = load('verification/verify.js');
    const { AuthError, IntrospectionError } = load('core/errors.js');
    return {
      read(bytes) {
        const [status, contentType, retryAfter, challenge, text] = linesOf(bytes, 4);
        const headers = Object.entries({
          'content-type': contentType,
          'retry-after': retryAfter,
          'www-authenticate': challenge,
        });
        return {
          status: Number.parseInt(status, 10) || 0,
          headers: Object.fromEntries(headers.filter(([, value]) => value !== '')),
          body: text.startsWith('+') ? merged(text.slice(1), VALID) : text,
        };
      },
      run(response) {
        const record = parseResponse(response, SENT_AT, undefined);
        try {
          requireActive(record);
          return { record, claims: verify(record, POLICY, SENT_AT.at, undefined) };
        } catch (rejection) {
          return { record, rejection };
        }
      },
      check(response, { value, error }) {
        if (error !== undefined) {
          const details = [`HTTP ${response.status}`, `HTTP ${response.status}, not from the endpoint`];
          requireOutage(IntrospectionError, error, CODES, [...DETAILS, ...details]);
          return false;
        }
        const { record, claims, rejection } = value;
        requireTrueRecord(response, record);
        if (claims === undefined) {
          requireInstanceWithScopes(AuthError, rejection);
          return false;
        }
        requireValid(claims);
        return true;
      },
    };

    function requireInstanceWithScopes(type, rejection) {
      if (rejection?.reason === 'insufficient_scope') return requireOneOf(['read'], rejection.scopes.join(), 'scopes');
      return requireRejection(type, rejection, REASONS);
    }
  },
};

/** Requires that the record says what the response says, and that later requests cannot change it. */
export function requireTrueRecord({ status, headers, body }, record) {
  const json = parse(body);
  const type = (headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  requireOneOf([JSON_TYPE], type, 'media type');
  if (!record.active) {
    if (record.unsupported) return requireOneOf(['unsupported_token_type'], status === 400 && json?.error, 'error');
    requireOneOf([200], status, 'status');
    return requireOneOf([false], ownMember(json, 'active'), 'active');
  }
  requireOneOf([200], status, 'status');
  requireOneOf([true], ownMember(json, 'active'), 'active');
  requireClaims(json, record);
}

export function requireClaims(json, { claims, scopes }) {
  assert(Object.getPrototypeOf(claims) === null, 'claims inherit nothing');
  const { scope = '', ...others } = withoutProto(json, true);
  const { scope: joined, ...kept } = claims;
  const words = [scope].flat().join(' ');
  assert.equal(joined, words, 'scope');
  assert.deepEqual(scopes, words.split(' ').filter(Boolean), 'scopes');
  assert(isDeepStrictEqual(withoutProto(kept), others), 'the claims are those of the response');
  for (const value of Object.values(kept)) requireFrozen(value);
}

/** Copies JSON without members named `__proto__`; at the top level also without members that are `null`. */
function withoutProto(value, isTop = false) {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withoutProto(item));
  const members = Object.entries(value).filter(([name, member]) => name !== '__proto__' && !(isTop && member === null));
  return Object.fromEntries(members.map(([name, member]) => [name, withoutProto(member)]));
}

function requireFrozen(value) {
  if (typeof value !== 'object' || value === null) return;
  assert(Object.isFrozen(value), 'nested claims are frozen');
  for (const member of Object.values(value)) requireFrozen(member);
}

/** Values of `token_type` that mean a refresh token, in lower case. */
const REFRESH_TOKENS = ['refresh', 'refreshtoken', 'refresh_token', 'refresh-token'].flatMap((name) => [
  name,
  `urn:ietf:params:oauth:token-type:${name}`,
]);

/** Requires what the policy requires. */
function requireValid({ aud, iss, scope, exp, nbf, cnf, token_type: type }) {
  assert([aud].flat().includes('api'), 'audience');
  assert.equal(iss, 'https://as.example.com', 'issuer');
  assert(scope.split(' ').includes('read'), 'scope');
  assert(exp === undefined || exp > NOW_SECONDS - 1, 'exp');
  assert(nbf === undefined || nbf < NOW_SECONDS + 1, 'nbf');
  assert(cnf === undefined, 'cnf');
  assert(!REFRESH_TOKENS.includes(type?.toLowerCase()), 'kind of token');
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ownMember(value, name) {
  return Object.hasOwn(Object(value), name) ? value[name] : undefined;
}
