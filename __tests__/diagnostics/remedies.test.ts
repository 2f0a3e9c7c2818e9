import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuthErrorReason, IntrospectionErrorCode } from '../../lib/core/errors.js';
import { REMEDIES, remedyFor } from '../../lib/diagnostics/remedies.js';
import { ROOT } from '../support/child.js';

/** Members of a union type in `lib/core/errors.ts`. */
function union<Name extends string>(type: string): Name[] {
  const source = readFileSync(join(ROOT, 'lib/core/errors.ts'), 'utf8');
  const [, members = ''] = new RegExp(`type ${type} =([^;]*);`).exec(source) ?? [];
  return [...members.matchAll(/'(\w+)'/g)].map(([, name]) => name as Name);
}

const CODES = union<IntrospectionErrorCode>('IntrospectionErrorCode');
const REASONS = union<AuthErrorReason>('AuthErrorReason');

describe('the remedies', () => {
  it('cover exactly the reasons and codes', () => {
    expect(Object.keys(REMEDIES).sort()).toEqual([...REASONS, ...CODES].sort());
  });

  it.each(Object.entries(REMEDIES))('of %s end with one that fits every detail', (_, remedies) => {
    expect(remedies.at(-1)?.[0]).toEqual([]);
    expect(remedies.slice(0, -1).filter(([beginnings]) => beginnings.length === 0)).toEqual([]);
  });

  it('never recommend to disable a check first', () => {
    const texts = Object.values(REMEDIES).flatMap((remedies) => remedies.map(([, text]) => text));
    const loosening = texts.filter((text) =>
      /allowRefreshTokens|"?audience"? (?:to|must be)? ?false|leave "issuer" out/.test(text),
    );
    expect(loosening).toHaveLength(2);
    for (const text of loosening)
      expect(text).toMatch(/^The response has no (?:aud|iss)\. Configure the server .*(?:Only if|If it never)/);
  });
});

describe('the remedy for a rejection', () => {
  it.each<[AuthErrorReason, string, string]>([
    ['refresh_token', '', 'Send the access token'],
    ['audience_mismatch', 'no aud, no token_type', 'typical of a refresh token. Send the access token.'],
    ['audience_mismatch', 'no aud', 'Configure the server to put the audience of this API into access tokens'],
    ['audience_mismatch', 'slash', 'including a slash at the end'],
    ['issuer_mismatch', 'slash', 'including a slash at the end'],
    ['issuer_mismatch', 'no iss', 'Configure the server to send iss'],
    ['expired', 'exp is 0', 'normalizeResponse'],
    ['expired', 'clock', 'NTP'],
    ['not_yet_valid', 'clock', 'NTP'],
    ['malformed_credentials', 'the word Bearer', 'Send the word only once'],
    ['malformed_credentials', 'quotes', 'quotation marks'],
    ['malformed_credentials', 'spaces', 'on one line'],
    ['unsupported_token_type', '', 'JWTs'],
  ])('for %s with the detail %s names the cause', (reason, detail, expected) => {
    expect(remedyFor(reason, detail)).toContain(expected);
  });
});

describe('the remedy for an outage', () => {
  it.each([...CODES, ...REASONS])('exists for %s with any detail', (code) => {
    expect(remedyFor(code)).toMatch(/^[A-Z].*[.?]$/);
    expect(remedyFor(code, 'what nobody has seen before')).toMatch(/^[A-Z].*[.?]$/);
  });

  it.each<[IntrospectionErrorCode, string, string]>([
    ['unreachable', 'ENOTFOUND', 'host name'],
    ['unreachable', 'EAI_AGAIN', 'host name'],
    ['unreachable', 'CERT_HAS_EXPIRED', 'Renew'],
    ['unreachable', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate'],
    ['unreachable', 'SELF_SIGNED_CERT_IN_CHAIN', 'certificate'],
    ['unreachable', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate'],
    ['unreachable', 'ERR_TLS_CERT_ALTNAME_INVALID', 'another host name'],
    ['unreachable', 'ERR_SSL_WRONG_VERSION_NUMBER', 'does not speak TLS'],
    ['unreachable', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'client certificate'],
    ['unreachable', 'ECONNRESET', 'https:'],
    ['unreachable', 'UND_ERR_SOCKET', 'https:'],
    ['unreachable', 'UND_ERR_CONNECT_TIMEOUT', 'firewall'],
    ['unreachable', 'HTTP 403, not from the endpoint', 'firewall'],
    ['unreachable', 'HTTP 400, not from the endpoint', 'https:'],
    ['unreachable', 'HTTP 401, not from the endpoint', 'secret'],
    ['client_rejected', 'HTTP 403', 'secret is wrong'],
    ['bad_response', 'content coding', 'compressed'],
    ['bad_response', 'HTTP 302', 'redirects'],
    ['bad_response', 'HTTP 405', 'path'],
    ['bad_response', 'HTTP 204', 'Check the URL'],
    ['bad_response', 'signed reply: not signed', 'introspection_signed_response_alg'],
    ['bad_response', 'signed reply: aud', 'jwtResponse.audience'],
    ['bad_response', 'signed reply: iss', 'jwtResponse.issuer'],
    ['bad_response', 'signed reply: iat', 'clocks'],
    ['bad_response', 'signed reply: ERR_JOSE_ALG_NOT_ALLOWED', 'jwtResponse.algorithms'],
    ['bad_response', 'signed reply: ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'jwtResponse.keys'],
    ['bad_response', 'member exp', 'normalizeResponse'],
    ['credentials_unavailable', 'the endpoint does not take RS256', 'algorithm'],
    ['discovery_failed', 'another issuer in the metadata', 'exactly'],
    ['discovery_failed', 'no introspection_endpoint in the metadata', '"endpoint"'],
    ['discovery_failed', 'introspection_endpoint is no https URL', 'https:'],
    ['discovery_failed', 'jwks_uri: HTTP 500', 'jwtResponse.keys'],
    ['discovery_failed', 'no jwks_uri in the metadata', 'jwtResponse.keys'],
    ['discovery_failed', 'HTTP 404', 'no metadata at this issuer'],
    ['discovery_failed', 'HTTP 302', 'redirects'],
    ['discovery_failed', 'redirect', 'redirects'],
    ['discovery_failed', 'HTTP 401', 'denied'],
    ['discovery_failed', 'HTTP 403', 'firewall'],
    ['discovery_failed', 'HTTP 429', 'fewer requests'],
    ['discovery_failed', 'HTTP 503', 'failed'],
    ['discovery_failed', 'media type', 'not JSON'],
    ['discovery_failed', 'not JSON', 'not JSON'],
    ['discovery_failed', 'not metadata', 'not metadata'],
    ['discovery_failed', 'content coding', 'compressed'],
    ['discovery_failed', 'timeout', 'fetched'],
  ])('for %s with the detail %s names the cause', (code, detail, expected) => {
    expect(remedyFor(code, detail)).toContain(expected);
  });
});
