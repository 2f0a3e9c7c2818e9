// A security event token (RFC 8417) and the invalidation that it causes.
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { requireInstance, requireOneOf, requireSame } from '../errors.mjs';
import { ALGORITHM, PUBLIC_JWK, signedInput, tokenFrom, verifiedParts } from '../signed-input.mjs';
import { CLOCK, NOW_SECONDS } from '../time.mjs';

const ISSUER = 'https://as.example.com';
const MAX_AGE_SECONDS = 300;
const TOLERANCE_SECONDS = 5;
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/';
const REVOKED = `${CAEP}session-revoked`;
const EFFECTIVE = [
  ...[REVOKED, `${CAEP}token-claims-change`, `${CAEP}credential-change`, `${CAEP}assurance-level-change`],
  ...[`${CAEP}device-compliance-change`, `${CAEP}risk-level-change`, `${RISC}account-credential-change-required`],
  ...[`${RISC}account-disabled`, `${RISC}account-purged`, `${RISC}credential-compromise`, `${RISC}identifier-changed`],
  `${RISC}sessions-revoked`,
];
const HEADER = { alg: ALGORITHM, typ: 'secevent+jwt', kid: 'key' };
const USER = { format: 'iss_sub', iss: ISSUER, sub: 'user' };
const VALID = { iss: ISSUER, aud: 'api', iat: NOW_SECONDS, jti: 'event', sub_id: USER, events: { [REVOKED]: {} } };
const REASONS = [
  ...[
    'malformed_token',
    'wrong_type',
    'wrong_algorithm',
    'unknown_key',
    'wrong_signature',
    'wrong_issuer',
    'wrong_audience',
  ],
  ...['wrong_time', 'expired', 'missing_jti', 'wrong_events', 'wrong_subject'],
];

export const securityEventToken = {
  name: 'security-event-token',
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
      ...EFFECTIVE.map((uri) => `"${uri}":{}`),
    ],
    ...[
      '"sub_id":',
      '"format":"aliases","identifiers":[',
      '"format":"complex"',
      '"session":',
      '"user":',
      '"format":"opaque","id":',
    ],
    ...[
      '"format":"jwt_id"',
      '"format":"email"',
      '"subject":',
      '"sub":',
      '"sid":',
      '"exp":',
      '"nbf":',
      '"crit":[]',
      '"__proto__":',
    ],
  ],
  seeds: () => [
    signedInput('merged', '{}', '{"other":1}'),
    signedInput('merged', '{"kid":"key"}', '{"iat":1800000000}'),
    ...[
      USER,
      { ...USER, iss: 'https://other.example.com' },
      { format: 'opaque', id: 'session' },
      { format: 'jwt_id', iss: ISSUER, jti: 'token' },
      { format: 'email', email: 'user@example.com' },
      { format: 'aliases', identifiers: [USER, { format: 'opaque', id: 'session' }] },
      { format: 'aliases', identifiers: [{ format: 'aliases', identifiers: [USER] }] },
      {
        format: 'complex',
        user: USER,
        session: { format: 'opaque', id: 'session' },
        tenant: { format: 'opaque', id: 'x' },
      },
      { format: 'iss_sub', iss: ISSUER },
      'user',
    ].map((subject) => signedInput('own', HEADER, { ...VALID, sub_id: subject })),
    ...[
      { sub_id: undefined, sub: 'user' },
      { sub_id: undefined, events: { [REVOKED]: { subject: USER } } },
      { sub: 'other' },
      { events: { [REVOKED]: { subject: { ...USER, sub: 'other' } } } },
      { events: { [`${CAEP}session-established`]: {}, 'https://example.com/other': {} } },
      { events: {} },
      { events: { [REVOKED]: 1 } },
      { iss: 'https://other.example.com' },
      { aud: ['other'] },
      { iat: NOW_SECONDS - MAX_AGE_SECONDS - TOLERANCE_SECONDS - 1 },
      { iat: NOW_SECONDS + TOLERANCE_SECONDS + 1 },
      { exp: NOW_SECONDS - TOLERANCE_SECONDS },
      { nbf: NOW_SECONDS + TOLERANCE_SECONDS + 1 },
      { jti: '' },
    ].map((members) => signedInput('own', HEADER, { ...VALID, ...members })),
    signedInput('own', HEADER, `{"jti":"a",${JSON.stringify(VALID).slice(1)}`),
    signedInput('own', { ...HEADER, typ: 'JWT' }, VALID),
    signedInput('own', { ...HEADER, typ: 'application/SecEvent+JWT' }, VALID),
    signedInput('own', { ...HEADER, alg: 'none' }, VALID),
    signedInput('own', { ...HEADER, crit: ['exp'] }, VALID),
    signedInput('own', { ...HEADER, kid: 'other' }, VALID),
    signedInput('foreign', HEADER, VALID),
    signedInput('change 80 65', HEADER, VALID),
  ],
  typical: (length) => signedInput('own', HEADER, { ...VALID, list: new Array(Math.ceil(length / 6)).fill('ab') }),
  guards: [
    { file: 'signals/signal-verifier.js', from: "'iss') !== issuer", to: "'iss') === ''" },
    { file: 'signals/signal-verifier.js', from: 'iat < now - maxAgeMs - toleranceMs', to: 'false' },
    { file: 'signals/signal-verifier.js', from: '!types.includes(name)', to: 'false' },
    { file: 'signals/signal-verifier.js', from: "typeof jti !== 'string' || jti === ''", to: 'false' },
    { file: 'introspection/strict-json.js', from: 'if (repeatsName(text))', to: 'if (false)' },
    { file: 'signals/subject.js', from: "textOf(identifier, 'iss') === issuer", to: 'true' },
    { file: 'signals/apply-event.js', from: "({ effect }) => effect === 'invalidate'", to: '() => true' },
    {
      file: 'signals/apply-event.js',
      from: "throw new signal_error_js_1.SignalError('wrong_subject');\n    const sub =",
      to: 'undefined;\n    const sub =',
    },
  ],

  create(load) {
    const { createSignalVerifier } = load('signals/signal-verifier.js');
    const { createApplyEvent } = load('signals/apply-event.js');
    const { createKeySet } = load('introspection/key-set.js');
    const { SignalError } = load('signals/signal-error.js');
    const keys = createKeySet(
      { keys: [{ ...PUBLIC_JWK, kid: 'key' }] },
      { clock: CLOCK, cooldownMs: 1000, get: undefined },
    );
    const settings = {
      ...{ issuer: ISSUER, audience: ['api'], keys, algorithms: [ALGORITHM, 'ES256'], clock: CLOCK, allowHttp: false },
      ...{ maxAgeMs: MAX_AGE_SECONDS * 1000, toleranceMs: TOLERANCE_SECONDS * 1000, keepMs: 310_000 },
    };
    const verify = createSignalVerifier(settings, 'secevent+jwt', false);
    const subjects = { issuer: ISSUER, subject: undefined, scope: undefined };
    return {
      read: (bytes) => tokenFrom(bytes, { header: HEADER, payload: VALID }),
      async run(token) {
        const calls = [];
        const invalidate = async (targets) => void calls.push(targets);
        const apply = createApplyEvent('securityEvents', { ...settings, invalidate }, subjects);
        const signal = await verify(token);
        await apply(signal);
        await apply(signal);
        return calls;
      },
      check(token, { value: calls, error }) {
        if (error !== undefined) {
          requireInstance(SignalError, error);
          requireOneOf(REASONS, error.reason, 'reason');
          requireSame(error, new SignalError(error.reason));
          return false;
        }
        // The signal was applied twice, but may have an effect only once.
        assert(calls.length <= 1, 'a repeated signal has no effect');
        requireValid(token, calls.flat());
        return calls.length > 0;
      },
    };
  },
};

function requireValid(token, invalidated) {
  const parts = verifiedParts(token);
  assert(parts !== undefined, 'the signature');
  const { header, payload } = parts;
  requireOneOf([ALGORITHM], header.alg, 'alg');
  requireOneOf(
    ['secevent+jwt', 'application/secevent+jwt'],
    typeof header.typ === 'string' && header.typ.toLowerCase(),
    'typ',
  );
  assert(header.crit === undefined, 'crit');
  const { iss, aud, iat, exp, nbf, jti, events } = payload;
  assert.equal(iss, ISSUER, 'iss');
  assert([aud].flat().includes('api'), 'aud');
  assert(iat >= NOW_SECONDS - MAX_AGE_SECONDS - TOLERANCE_SECONDS && iat <= NOW_SECONDS + TOLERANCE_SECONDS, 'iat');
  assert(exp === undefined || exp + TOLERANCE_SECONDS > NOW_SECONDS, 'exp');
  assert(nbf === undefined || nbf - TOLERANCE_SECONDS <= NOW_SECONDS, 'nbf');
  assert(typeof jti === 'string' && jti !== '', 'jti');
  requireEachNameOnce(Buffer.from(token.split('.')[1], 'base64url').toString('utf8'));
  const isEffective = Object.keys(events).some((uri) => EFFECTIVE.includes(uri));
  if (!isEffective) return assert.deepEqual(invalidated, [], 'events without effect invalidate nothing');
  requireNamedTargets(payload, invalidated);
}

/** All targets must stand in a subject of this issuer. */
function requireNamedTargets(payload, invalidated) {
  const subjects = [payload.sub_id, ...Object.values(payload.events).map(({ subject }) => subject)];
  const named = [...subjects.flatMap(targetsIn), ...(typeof payload.sub === 'string' ? [`sub ${payload.sub}`] : [])];
  const given = subjects.filter((subject) => subject !== undefined);
  assert(
    given.every((subject) => isDeepStrictEqual(subject, given[0])),
    'all subjects are the same',
  );
  for (const target of invalidated) {
    const [[name, value], ...others] = Object.entries(target);
    assert(others.length === 0 && named.includes(`${name} ${value}`), 'the subject is named and of this issuer');
  }
}

function targetsIn(value) {
  if (typeof value !== 'object' || value === null) return [];
  const nested = Object.values(value).flatMap(targetsIn);
  const { format, iss, sub, jti, id } = value;
  if (format === 'opaque') return [`sub ${id}`, `sid ${id}`, ...nested];
  if (iss !== ISSUER) return nested;
  return [
    ...(format === 'iss_sub' ? [`sub ${sub}`, `sid ${sub}`] : []),
    ...(format === 'jwt_id' ? [`jti ${jti}`] : []),
    ...nested,
  ];
}

/** Requires that writing the parsed JSON again takes as many names as the text has, so that no name was repeated. */
function requireEachNameOnce(text) {
  const names = (json) => [...json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/gs)].filter(([, colon]) => colon).length;
  assert.equal(names(text), names(JSON.stringify(JSON.parse(text))), 'no repeated member');
}
