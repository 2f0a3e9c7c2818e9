// The parameter `access_token` of a form body that a parser of the app has read (RFC 6750 section 2.2).
import { createRequire } from 'node:module';
import { parse as parsePlain } from 'node:querystring';
import { requireOneOf, requireRejection } from '../errors.mjs';
import { linesOf, textWithLines } from '../lines.mjs';

const require = createRequire(import.meta.url);
const qs = createRequire(require.resolve('express'))('qs');

const MAX_TOKEN_LENGTH = 8192;
const FORM = 'application/x-www-form-urlencoded';
const PARSERS = {
  plain: parsePlain,
  nested: (text) => qs.parse(text),
  json: JSON.parse,
  none: () => undefined,
  inherited: (text) => Object.create(JSON.parse(text)),
};
const POLICY = {
  ...{ tokenFromBody: true, getToken: undefined, dpop: undefined },
  ...{ dpopOrigin: undefined, certificateThumbprint: undefined },
};

export const formBody = {
  name: 'form-body',
  input: 'lines with the parser, the method, the media type and the `Authorization` header, then the body',
  isSynchronous: true,
  maxLength: 4096,
  words: [
    'access_token=',
    'access_token[]=',
    'access_token[a]=',
    'POST',
    'PUT',
    FORM,
    '%61',
    '&',
    '__proto__',
    'hasOwnProperty=',
  ],
  seeds: () =>
    [
      ['plain', 'POST', FORM, '', 'access_token=abc'],
      ['plain', 'POST', `${FORM}; charset=utf-8`, '', 'a=b&access_token=abc%2Bd'],
      ['plain', 'GET', FORM, '', 'access_token=abc'],
      ['plain', 'PATCH', 'text/plain', 'Basic abc', 'access_token=abc'],
      ['plain', 'POST', FORM, 'Bearer abc', 'access_token=abc'],
      ['nested', 'PUT', FORM, '', 'access_token=a&access_token=b'],
      ['nested', 'POST', FORM, '', 'access_token[a]=b'],
      ['nested', 'POST', FORM, '', 'access_token='],
      ['json', 'POST', FORM, '', '{"__proto__":{"access_token":"abc"},"hasOwnProperty":1}'],
      ['json', 'POST', FORM, '', '{"access_token":{"length":3}}'],
      ['inherited', 'POST', FORM, '', '{"access_token":"abc"}'],
      ['none', 'POST', FORM, 'Bearer abc', ''],
    ].map((lines) => textWithLines(...lines)),
  typical: (length) => textWithLines('plain', 'POST', FORM, '', `access_token=${'a'.repeat(length)}`),
  guards: [
    { file: 'credentials/form-body.js', from: "!== 'application/x-www-form-urlencoded'", to: "=== ''" },
    { file: 'credentials/form-body.js', from: '!METHODS.has(method) ||', to: '' },
    { file: 'credentials/form-body.js', from: '!Object.hasOwn(body, PARAMETER)', to: '!(PARAMETER in body)' },
    { file: 'credentials/read-credentials.js', from: 'if (header !== undefined)', to: 'if (false)' },
  ],

  create(load) {
    const { readCredentials } = load('credentials/read-credentials.js');
    const { requireB64Token } = load('credentials/token.js');
    const { AuthError } = load('core/errors.js');
    return {
      read(bytes) {
        const [parser, method, contentType, authorization, body] = linesOf(bytes, 4);
        const headers = { 'content-type': contentType, ...(authorization !== '' && { authorization }) };
        const rawHeaders = Object.entries(headers).flat();
        return { method, headers, rawHeaders, body: parsed(parser, body) };
      },
      run(request) {
        const credentials = readCredentials(request, POLICY);
        if (credentials !== undefined) requireB64Token(credentials.token);
        return credentials;
      },
      check(request, { value: credentials, error }) {
        const expected = expectedOf(request);
        if (error !== undefined) {
          requireRejection(AuthError, error, ['malformed_credentials', 'repeated_credentials', 'token_too_long']);
          // Another target compares the `Authorization` header.
          if (expected !== undefined) requireOneOf([expected], error.reason, 'reason');
          return false;
        }
        if (expected !== undefined) requireOneOf([expected], `Bearer ${credentials?.token}`, 'credentials');
        else if (credentials !== undefined) {
          const [, token] = /^bearer +(.*)$/is.exec(request.headers.authorization) ?? [];
          requireOneOf([token], credentials.token, 'token');
        }
        return credentials !== undefined;
      },
    };
  },
};

/** The token in the body, or the reason of the rejection; `undefined` if the body has no token. */
function expectedOf({ method, headers, body }) {
  const isForm = headers['content-type'].split(';')[0].trim().toLowerCase() === FORM;
  if (!isForm || !['POST', 'PUT', 'PATCH'].includes(method)) return undefined;
  const own = Object.entries(Object.getOwnPropertyDescriptors(Object(body))).find(([name]) => name === 'access_token');
  if (own === undefined || typeof body !== 'object') return undefined;
  const token = own[1].value;
  const scheme = /^bearer(?![!#$%&'*+\-.^_`|~0-9A-Za-z])/i.exec(headers.authorization ?? '');
  if (scheme !== null && !/^ +[^ ]/.test(headers.authorization.slice(scheme[0].length))) return 'malformed_credentials';
  if (typeof token !== 'string' || token === '') return 'malformed_credentials';
  if (scheme !== null) return 'repeated_credentials';
  if (token.length > MAX_TOKEN_LENGTH) return 'token_too_long';
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) return 'malformed_credentials';
  const parts = token.split('.');
  const isJwt =
    [3, 5].includes(parts.length) && Buffer.from(parts[0], 'base64url').toString('latin1').trimStart().startsWith('{');
  const isCanonical = parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
  return isJwt && !isCanonical ? 'malformed_credentials' : `Bearer ${token}`;
}

function parsed(parser, text) {
  try {
    return (Object.hasOwn(PARSERS, parser) ? PARSERS[parser] : PARSERS.plain)(text);
  } catch {
    return undefined;
  }
}
