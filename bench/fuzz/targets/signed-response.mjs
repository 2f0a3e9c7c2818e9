// A signed response of the introspection endpoint (RFC 9701).
import assert from 'node:assert/strict';
import { errors as joseErrors } from 'jose';
import { requireOneOf, requireOutage } from '../errors.mjs';
import { ALGORITHM, PUBLIC_JWK, signedInput, tokenFrom, verifiedParts } from '../signed-input.mjs';
import { CLOCK, NOW_SECONDS, SENT_AT } from '../time.mjs';
import { requireTrueRecord } from './introspection-response.mjs';

const HEADER = { alg: ALGORITHM, typ: 'token-introspection+jwt', kid: 'key' };
const ISSUER = 'https://as.example.com';
const VALID = { iss: ISSUER, aud: 'api', iat: NOW_SECONDS, token_introspection: { active: true, scope: 'read' } };
const PREFIXED = [
  ...Object.values(joseErrors).map(({ code }) => code),
  ...['typ', 'iss', 'aud', 'iat', 'nesting', 'not a signed reply', 'ERR_ENCODING_INVALID_ENCODED_DATA'],
  ...['iss', 'aud', 'iat', 'token_introspection', 'undefined'].map((name) => `member ${name}`),
];
const DETAILS = [
  ...PREFIXED.map((detail) => `signed reply: ${detail}`),
  ...['not JSON', 'shape', 'nesting', 'too many values', 'too many scopes'],
  ...['active', 'scope', 'client_id', 'username', 'token_type', 'exp', 'iat', 'nbf', 'sub', 'aud', 'iss', 'jti'].map(
    (name) => `member ${name}`,
  ),
];

export const signedResponse = {
  name: 'signed-response',
  input: 'a signed token',
  isSynchronous: false,
  maxLength: 4096,
  words: [
    ...[
      'own\n',
      'merged\n',
      'foreign\n',
      'change ',
      JSON.stringify(HEADER),
      JSON.stringify(VALID),
      '"crit":["b64"]',
      '"b64":false',
    ],
    ...[
      '"alg":"none"',
      '"alg":"HS256"',
      '"kid":"key"',
      '"jwk":',
      '"typ":',
      '"zip":"DEF"',
      '"enc":"A256GCM"',
      '"active":true',
    ],
    ...['"token_introspection":', '"aud":["api"]', '"iat":', '"__proto__":'],
  ],
  seeds: () => [
    signedInput('merged', '{}', '{"other":1}'),
    signedInput('merged', '{"kid":"key"}', '{"iat":1800000000}'),
    signedInput('own', HEADER, VALID),
    signedInput('own', HEADER, { ...VALID, token_introspection: { active: false } }),
    signedInput('own', { ...HEADER, kid: undefined }, { ...VALID, aud: ['x', 'api'] }),
    signedInput('own', HEADER, { ...VALID, iss: 'https://other.example.com' }),
    signedInput('own', HEADER, { ...VALID, aud: 'other' }),
    signedInput('own', HEADER, { ...VALID, iat: 0 }),
    signedInput('own', HEADER, { ...VALID, token_introspection: 'active' }),
    signedInput('own', HEADER, '[]'),
    signedInput('own', HEADER, '{'),
    signedInput('own', { ...HEADER, typ: 'JWT' }, VALID),
    signedInput('own', { ...HEADER, typ: ['token-introspection+jwt'] }, VALID),
    signedInput('own', { ...HEADER, crit: ['b64'], b64: false }, VALID),
    signedInput('own', { ...HEADER, alg: 'none' }, VALID),
    signedInput('foreign', HEADER, VALID),
    signedInput('change 60 65', HEADER, VALID),
    signedInput('change 350 65', HEADER, VALID),
    signedInput(
      'text',
      '',
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(VALID)).toString('base64url')}.`,
    ),
  ],
  typical: (length) =>
    signedInput('own', HEADER, {
      ...VALID,
      token_introspection: { active: true, list: new Array(Math.ceil(length / 6)).fill('ab') },
    }),
  guards: [
    { file: 'introspection/signed-response.js', from: 'if (data.iss !== settings.issuer)', to: 'if (false)' },
    {
      file: 'introspection/signed-response.js',
      from: 'if (Math.abs(data.iat * 1000 - sentAt.at) > MAX_SKEW_MS)',
      to: 'if (false)',
    },
    { file: 'introspection/signed-response.js', from: "typeof typ === 'string' &&", to: '' },
    { file: 'introspection/signed-response.js', from: '!isSignedResponse(protectedHeader)', to: 'false' },
    {
      file: 'introspection/key-set.js',
      from: 'return await compactVerify(jws, keys, options);',
      to: 'const [h, p] = String(jws).split("."); return { protectedHeader: JSON.parse(Buffer.from(h, "base64url")), payload: Buffer.from(p, "base64url") };',
    },
    {
      file: 'introspection/signed-response.js',
      from: "(0, http_js_1.codeOf)(error) ?? 'not a signed reply'",
      to: 'String(error)',
    },
  ],

  create(load) {
    const { createResponseVerifier } = load('introspection/signed-response.js');
    const { parseResponse } = load('introspection/response.js');
    const { IntrospectionError } = load('core/errors.js');
    const settings = {
      ...{ issuer: ISSUER, audience: ['api'], algorithms: [ALGORITHM, 'ES256', 'RS256'], decryptionKey: undefined },
      keys: { keys: [{ ...PUBLIC_JWK, kid: 'key', alg: ALGORITHM }] },
    };
    const verifyResponse = createResponseVerifier(settings, () => assert.fail('no keys are fetched'), CLOCK);
    const headers = { 'content-type': 'application/token-introspection+jwt' };
    return {
      read: (bytes) => ({ status: 200, headers, body: tokenFrom(bytes, { header: HEADER, payload: VALID }) }),
      async run(response) {
        return parseResponse(await verifyResponse(response, {}, SENT_AT), SENT_AT, undefined);
      },
      check({ body: token }, { value: record, error }) {
        if (error !== undefined) {
          requireOutage(IntrospectionError, error, ['bad_response'], DETAILS);
          return false;
        }
        requireValid(token, record);
        return record.active;
      },
    };
  },
};

function requireValid(token, record) {
  const parts = verifiedParts(token);
  assert(parts !== undefined, 'the signature');
  const { header, payload } = parts;
  requireOneOf([ALGORITHM], header.alg, 'alg');
  requireOneOf(
    [HEADER.typ, `application/${HEADER.typ}`],
    typeof header.typ === 'string' && header.typ.toLowerCase(),
    'typ',
  );
  assert.equal(payload.iss, ISSUER, 'iss');
  assert([payload.aud].flat().includes('api'), 'aud');
  assert(Math.abs(payload.iat - NOW_SECONDS) <= 60, 'iat');
  const body = JSON.stringify(payload.token_introspection);
  requireTrueRecord({ status: 200, headers: { 'content-type': 'application/json' }, body }, record);
}
