import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { finding, hasScheme, type ProbeCase, type ProbeContext, parameter, rejects, skipped } from '../probe-case.js';

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Creates a valid proof with a new key, to which the token cannot be bound. */
function createProof(url: URL, token: string): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  const claims = {
    jti: randomUUID(),
    htm: 'GET',
    htu: url.origin + url.pathname,
    iat: Math.floor(Date.now() / 1000),
    ath: createHash('sha256').update(token).digest('base64url'),
  };
  const input = `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

const best = ({ token, unknownToken }: ProbeContext) => token ?? unknownToken;

/** The scheme DPoP. The first cases hold for every API, because a plain token must not pass under another scheme. */
export const DPOP: readonly ProbeCase[] = [
  {
    id: 'dpop-without-proof',
    title: 'Scheme DPoP without a proof',
    section: 'RFC 9449 section 7.1',
    rule: 'A request with the scheme DPoP needs a proof. An API without DPoP rejects the scheme.',
    remedy: 'Do not read the scheme DPoP like Bearer.',
    run: rejects((context) => ({ headers: { Authorization: `DPoP ${best(context)}` } })),
  },
  {
    id: 'dpop-other-key',
    title: 'Plain token with the proof of any key',
    section: 'RFC 9449 section 7.1',
    rule: 'With the scheme DPoP, the token is bound to the key of the proof. A plain token is bound to none.',
    remedy: 'Compare the thumbprint of the key of the proof with cnf.jkt. Reject a token without cnf.jkt.',
    run: rejects((context) => ({
      headers: { Authorization: `DPoP ${best(context)}`, DPoP: createProof(context.url, best(context)) },
    })),
  },
  {
    id: 'dpop-algorithms',
    title: 'Algorithms in the challenge',
    section: 'RFC 9449 section 7.1',
    rule: 'A challenge of the scheme DPoP names the algorithms for proofs in algs.',
    remedy: 'Add algs="ES256 …" to the challenge.',
    async run({ send }) {
      const response = await send({});
      if (!hasScheme(response, 'dpop')) return skipped('DPoP is not offered');
      return finding(response, (parameter(response, 'algs') ?? '') !== '');
    },
  },
  {
    id: 'dpop-two-proofs',
    title: 'Two proofs',
    section: 'RFC 9449 section 4.3',
    rule: 'A request has exactly one DPoP header.',
    remedy: 'Count the DPoP headers of the request, and reject two.',
    async run(context) {
      if (!hasScheme(await context.send({}), 'dpop')) return skipped('DPoP is not offered');
      const proofs = [createProof(context.url, best(context)), createProof(context.url, best(context))];
      const response = await context.send({ headers: { Authorization: `DPoP ${best(context)}`, DPoP: proofs } });
      return finding(response, [400, 401].includes(response.status));
    },
  },
];
