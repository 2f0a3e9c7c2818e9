// A DPoP proof (RFC 9449 section 4.3).
import assert from 'node:assert/strict';
import { createPublicKey, hash } from 'node:crypto';
import { requireOneOf, requireRejection } from '../errors.mjs';
import { ALGORITHM, FOREIGN_JWK, PUBLIC_JWK, signedInput, tokenFrom, verifiedParts } from '../signed-input.mjs';
import { CLOCK, NOW_SECONDS } from '../time.mjs';

const URL_OF_REQUEST = 'https://api.example.com/reports/2027?page=1';
const DIGEST = hash('sha256', 'token', 'base64url');
const NONCE_SECRET = 's'.repeat(32);
const MAX_AGE_SECONDS = 60;
const MAX_AHEAD_SECONDS = 10;
const HEADER = { typ: 'dpop+jwt', alg: ALGORITHM, jwk: PUBLIC_JWK };
const VALID = { jti: 'proof', htm: 'GET', htu: 'https://api.example.com/reports/2027', iat: NOW_SECONDS, ath: DIGEST };
const REASONS = ['invalid_dpop_proof', 'dpop_nonce_required'];

export const dpopProof = {
  name: 'dpop-proof',
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
      JSON.stringify(PUBLIC_JWK),
      DIGEST,
    ],
    ...[
      '"crit":["exp"]',
      '"b64":false',
      '"alg":"none"',
      '"alg":"HS256"',
      '"d":"',
      '"k":"',
      '"kid":',
      '"x5c":',
      '"oth":[]',
    ],
    ...['"nonce":', '"exp":', '"nbf":', '"htu":"https://api.example.com:443/reports/2027?x#y"', '%2e', '"__proto__":'],
  ],
  seeds: () => [
    signedInput('merged', '{}', '{"other":1}'),
    signedInput('merged', '{"kid":"key"}', '{"iat":1800000000}'),
    signedInput('own', HEADER, VALID),
    ...['htm', 'htu', 'iat', 'ath', 'jti'].map((name) => signedInput('own', HEADER, { ...VALID, [name]: undefined })),
    signedInput('own', HEADER, { ...VALID, htm: 'POST' }),
    signedInput('own', HEADER, { ...VALID, ath: hash('sha256', 'other', 'base64url') }),
    signedInput('own', HEADER, { ...VALID, htu: 'HTTPS://API.example.com:443/%72eports/2027?x=1#y' }),
    signedInput('own', HEADER, { ...VALID, htu: 'https://api.example.com/reports/2028' }),
    signedInput('own', HEADER, { ...VALID, htu: 'https://user:password@api.example.com/reports/2027' }),
    signedInput('own', HEADER, { ...VALID, iat: NOW_SECONDS - MAX_AGE_SECONDS - 1 }),
    signedInput('own', HEADER, { ...VALID, iat: NOW_SECONDS + MAX_AHEAD_SECONDS + 1 }),
    signedInput('own', HEADER, { ...VALID, exp: NOW_SECONDS - 1 }),
    signedInput('own', HEADER, { ...VALID, nbf: NOW_SECONDS + MAX_AHEAD_SECONDS + 1 }),
    signedInput('own', HEADER, '[]'),
    signedInput('own', { ...HEADER, typ: 'JWT' }, VALID),
    signedInput('own', { ...HEADER, jwk: { ...PUBLIC_JWK, d: 'AQEB' } }, VALID),
    signedInput('own', { ...HEADER, jwk: FOREIGN_JWK }, VALID),
    signedInput('own', { ...HEADER, jwk: undefined }, VALID),
    signedInput('own', { ...HEADER, alg: 'none' }, VALID),
    signedInput('foreign', { ...HEADER, jwk: FOREIGN_JWK }, VALID),
    signedInput('foreign', HEADER, VALID),
    signedInput('change 100 65', HEADER, VALID),
    signedInput('change 300 65', HEADER, VALID),
  ],
  typical: (length) => signedInput('own', HEADER, { ...VALID, jti: 'a'.repeat(length) }),
  guards: [
    { file: 'verification/sender/dpop.js', from: 'htm === method &&', to: '' },
    { file: 'verification/sender/dpop.js', from: 'isSameTarget(htu, url) &&', to: '' },
    { file: 'verification/sender/dpop.js', from: 'ath === digest &&', to: '' },
    { file: 'verification/sender/dpop.js', from: 'age <= maxAgeMs &&', to: '' },
    { file: 'verification/sender/dpop.js', from: 'age >= -MAX_AHEAD_MS &&', to: '' },
    { file: 'verification/sender/dpop.js', from: 'isWithinLife(claims, now)', to: 'true' },
    { file: 'verification/sender/proof-header.js', from: "if (typ !== 'dpop+jwt')", to: 'if (false)' },
    {
      file: 'verification/sender/dpop.js',
      from: "throw new errors_js_1.AuthError('invalid_dpop_proof');\n        }\n    };",
      to: 'throw new Error(proof);\n        }\n    };',
    },
  ],

  create(load) {
    const { createDpopVerifier } = load('verification/sender/dpop.js');
    const { createReplayGuard } = load('verification/sender/replay.js');
    const { createNonces } = load('verification/sender/dpop-nonce.js');
    const { AuthError } = load('core/errors.js');
    const nonces = createNonces([NONCE_SECRET], CLOCK);
    const common = { algorithms: [ALGORITHM], maxAgeMs: MAX_AGE_SECONDS * 1000, clock: CLOCK };
    const verifierWith = (options) =>
      createDpopVerifier({ ...common, replay: createReplayGuard(CLOCK, undefined), ...options });
    const verifiers = { plain: verifierWith({ nonces: undefined }), nonces: verifierWith({ nonces }) };
    return {
      read: (bytes) => ({ proof: tokenFrom(bytes, { header: HEADER, payload: VALID }), request: {} }),
      async run({ proof, request }) {
        const presented = { request, proof, method: 'GET', url: URL_OF_REQUEST };
        const verified = await verifiers.plain.verify(presented, DIGEST);
        const withNonce = await verifiers.nonces.verify(presented, DIGEST).then(
          () => 'accepted',
          ({ reason }) => reason,
        );
        // A new memory, so that an input that is run again is not a replay.
        const { use } = verifierWith({ nonces: undefined });
        const [first, again, replayed] = [request, request, {}].map((each) => () => use(verified, each));
        return { verified, withNonce, uses: [await result(first), await result(again), await result(replayed)] };
      },
      check({ proof }, { value, error }) {
        if (error !== undefined) {
          requireRejection(AuthError, error, ['invalid_dpop_proof']);
          return false;
        }
        requireValid(proof, value.verified);
        requireOneOf(REASONS, value.withNonce, 'result without a valid nonce');
        assert.deepEqual(value.uses, ['accepted', 'accepted', 'dpop_proof_replayed'], 'uses');
        return true;
      },
    };
  },
};

function result(work) {
  return work().then(
    () => 'accepted',
    ({ reason }) => reason,
  );
}

function requireValid(proof, { jkt, id }) {
  const header = JSON.parse(Buffer.from(proof.split('.')[0], 'base64url').toString('utf8'));
  requireOneOf(['dpop+jwt'], header.typ, 'typ');
  requireOneOf([ALGORITHM], header.alg, 'alg');
  const { crv, kty, x } = header.jwk;
  const parts = verifiedParts(proof, createPublicKey({ key: { crv, kty, x }, format: 'jwk' }));
  assert(parts !== undefined, 'the signature');
  for (const name of ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth'])
    assert(header.jwk[name] === undefined, `private member ${name}`);
  assert.equal(jkt, hash('sha256', JSON.stringify({ crv, kty, x }), 'base64url'), 'jkt');
  const { jti, htm, htu, iat, ath, exp, nbf } = parts.payload;
  assert(typeof jti === 'string' && jti !== '', 'jti');
  assert.equal(id, hash('sha256', JSON.stringify([jkt, jti]), 'base64url'), 'id');
  assert.equal(htm, 'GET', 'htm');
  assert.equal(ath, DIGEST, 'ath');
  requireSameTarget(htu);
  assert(iat >= NOW_SECONDS - MAX_AGE_SECONDS && iat <= NOW_SECONDS + MAX_AHEAD_SECONDS, 'iat');
  assert(exp === undefined || exp > NOW_SECONDS, 'exp');
  assert(nbf === undefined || nbf <= NOW_SECONDS + MAX_AHEAD_SECONDS, 'nbf');
}

/** Scheme, host and decoded path must be those of the request. Query and fragment do not count. */
function requireSameTarget(htu) {
  const [actual, expected] = [new URL(htu), new URL(URL_OF_REQUEST)];
  assert.equal(actual.origin, expected.origin, 'origin of htu');
  assert.equal(decodeURIComponent(actual.pathname), decodeURIComponent(expected.pathname), 'path of htu');
  assert.equal(actual.username + actual.password, '', 'user of htu');
}
