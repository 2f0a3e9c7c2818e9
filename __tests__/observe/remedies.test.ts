import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IntrospectionErrorCode } from '../../lib/errors.js';
import { remedyFor } from '../../lib/observe/remedies.js';
import { ROOT } from '../support/child.js';

const CODES = [
  ...(
    /type IntrospectionErrorCode =([^;]*);/.exec(readFileSync(join(ROOT, 'lib/errors.ts'), 'utf8'))?.[1] ?? ''
  ).matchAll(/'(\w+)'/g),
].map(([, code]) => code as IntrospectionErrorCode);

describe('what to do about an outage', () => {
  it.each(CODES)('is told for %s, whatever else is known', (code) => {
    expect(remedyFor(code)).toMatch(/^[A-Z].*[.?]$/);
    expect(remedyFor(code, 'what nobody has seen before')).toMatch(/^[A-Z].*[.?]$/);
  });

  it.each<[IntrospectionErrorCode, string, string]>([
    ['unreachable', 'ENOTFOUND', 'host name'],
    ['unreachable', 'EAI_AGAIN', 'host name'],
    ['unreachable', 'CERT_HAS_EXPIRED', 'certificate'],
    ['unreachable', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate'],
    ['unreachable', 'SELF_SIGNED_CERT_IN_CHAIN', 'certificate'],
    ['unreachable', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate'],
    ['unreachable', 'ERR_TLS_CERT_ALTNAME_INVALID', 'certificate'],
    ['unreachable', 'ERR_SSL_WRONG_VERSION_NUMBER', 'TLS connection'],
    ['unreachable', 'ECONNRESET', 'connection failed'],
    ['bad_response', 'HTTP 302', 'redirects'],
    ['bad_response', 'HTTP 405', 'path'],
    ['bad_response', 'HTTP 204', 'right URL'],
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
    ['discovery_failed', 'timeout', 'fetched'],
  ])('heeds what is known of %s: %s', (code, detail, expected) => {
    expect(remedyFor(code, detail)).toContain(expected);
  });
});
