// The `Authorization` header of a request (RFC 6750 section 2.1, RFC 9449 section 7.1).
import { requireOneOf, requireRejection } from '../errors.mjs';

const ACCEPTS_DPOP = 1;
const IS_REPEATED = 2;
const MAX_TOKEN_LENGTH = 8192;
const POLICY = { tokenFromBody: false, getToken: undefined, dpopOrigin: undefined, certificateThumbprint: undefined };
const JWT = `${encode('{"alg":"ES256"}')}.${encode('{"sub":"user"}')}.c2lnbmF0dXJl`;

export const authorizationHeader = {
  name: 'authorization-header',
  input: 'flags in one byte, then the value of the header',
  isSynchronous: true,
  maxLength: 9000,
  words: ['Bearer ', 'DPoP ', 'bearer', 'dpop', 'Basic ', JWT, '.', '=='],
  seeds: () =>
    [
      ...['Bearer mF_9.B5f-4.1JqM', 'bearer   abc==', 'BEARER abc', 'Bearer', 'Bearer ', 'Bearer a b', 'Bearer,a', ''],
      ...['Basic dXNlcjpwYXNz', 'DPoP abc', 'DPoP', 'Bearerabc', `Bearer ${JWT}`, `Bearer ${JWT.slice(0, -1)}`],
      ...[`Bearer ${JWT}=`, `Bearer ${JWT.slice(0, -1)}V`, `Bearer ${JWT}..`, 'Bearer abc\xe9', 'Bearer a,b'],
      `Bearer ${'a'.repeat(MAX_TOKEN_LENGTH)}`,
      `Bearer ${'a'.repeat(MAX_TOKEN_LENGTH + 1)}`,
      `Bearer ${'a'.repeat(MAX_TOKEN_LENGTH - 1)},`,
    ].flatMap((value) => [0, ACCEPTS_DPOP, IS_REPEATED].map((flags) => withFlags(flags, value))),
  typical: (length) => withFlags(0, `Bearer ${'a'.repeat(Math.min(length, MAX_TOKEN_LENGTH))}`),
  guards: [
    // Takes quadratic time.
    {
      file: 'core/syntax.js',
      from: '/^[A-Za-z0-9\\-._~+/]+=*$/',
      to: '/^[A-Za-z0-9\\-._~+/]*[A-Za-z0-9\\-._~+/]*=*$/',
    },
    { file: 'core/syntax.js', from: '/^[A-Za-z0-9\\-._~+/]+=*$/', to: '/^[^ ]+$/' },
    { file: 'credentials/token.js', from: '|| isReencodedJwt(token)', to: '' },
    {
      file: 'credentials/read-credentials.js',
      from: "(0, headers_js_1.isRepeated)(req, 'authorization')",
      to: 'false',
    },
  ],

  create(load) {
    const { readCredentials } = load('credentials/read-credentials.js');
    const { requireB64Token } = load('credentials/token.js');
    const { AuthError } = load('core/errors.js');
    return {
      read([flags = 0, ...bytes]) {
        const value = Buffer.from(bytes).toString('latin1');
        const line = ['Authorization', value];
        const rawHeaders = flags & IS_REPEATED ? [...line, 'authorization', value] : line;
        return { value, flags, rawHeaders, request: { headers: { authorization: value }, rawHeaders } };
      },
      run({ request, flags }) {
        const credentials = readCredentials(request, { ...POLICY, dpop: flags & ACCEPTS_DPOP ? {} : undefined });
        if (credentials !== undefined) requireB64Token(credentials.token);
        return credentials;
      },
      check({ value, flags }, { value: credentials, error }) {
        const expected = expectedOf(value, flags);
        if (error !== undefined) {
          requireRejection(AuthError, error, ['malformed_credentials', 'repeated_credentials', 'token_too_long']);
          requireOneOf([expected], error.reason, 'reason');
          return false;
        }
        requireOneOf([expected], credentials && `${credentials.scheme} ${credentials.token}`, 'credentials');
        return credentials !== undefined;
      },
    };
  },
};

/** The scheme and the token, or the reason of the rejection; `undefined` for a request without a token. Written as the RFCs say it. */
function expectedOf(value, flags) {
  if (flags & IS_REPEATED) return 'repeated_credentials';
  const [, scheme, rest] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]*)(.*)$/s.exec(value);
  const accepted = { bearer: 'Bearer', ...(flags & ACCEPTS_DPOP && { dpop: 'DPoP' }) };
  const name = Object.hasOwn(accepted, scheme.toLowerCase()) ? accepted[scheme.toLowerCase()] : undefined;
  if (name === undefined) return undefined;
  const token = rest.replace(/^ +/, '');
  if (!rest.startsWith(' ') || token === '') return 'malformed_credentials';
  if (token.length > MAX_TOKEN_LENGTH) return 'token_too_long';
  const [characters] = token.split(/=+$/);
  const isB64 = characters !== '' && [...characters].every((character) => /[A-Za-z0-9\-._~+/]/.test(character));
  return isB64 && isCanonical(token) ? `${name} ${token}` : 'malformed_credentials';
}

/** A token that is a JWT must be written as its issuer writes it. */
function isCanonical(token) {
  const parts = token.split('.');
  if (parts.length !== 3 && parts.length !== 5) return true;
  if (!decode(parts[0]).trimStart().startsWith('{')) return true;
  return parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
}

function encode(text) {
  return Buffer.from(text).toString('base64url');
}

function decode(text) {
  return Buffer.from(text, 'base64url').toString('latin1');
}

function withFlags(flags, value) {
  return Buffer.concat([Buffer.of(flags), Buffer.from(value, 'latin1')]);
}
