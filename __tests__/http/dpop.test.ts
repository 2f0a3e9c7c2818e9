import { createHmac, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import request from 'supertest';
import { createApi } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { boundTo, CHALLENGES, createDpopSetup, type DpopSetup, sendBound } from '../support/dpop.js';
import { assemble, createSender, ORIGIN, type Sender } from '../support/dpop-sender.js';
import { active, createEndpoint } from '../support/endpoint.js';

const STRANGER = generateKeyPairSync('ec', { namedCurve: 'P-256' });

describe('a DPoP-bound token with a proof', () => {
  it('is accepted under the DPoP scheme, in any case, and the handler gets its claims', async () => {
    const { api, sender, clock } = await createDpopSetup();
    for (const scheme of ['DPoP', 'dpop', 'DPOP', 'dPoP  ']) {
      const proof = await sender.proof('abc', clock);
      const { body, headers } = await request(api.app)
        .get('/')
        .set('Authorization', `${scheme} abc`)
        .set('DPoP', proof)
        .expect(200);
      expect(body.auth).toMatchObject({ active: true, sub: 'alice', cnf: { jkt: sender.jkt } });
      expect(headers).not.toHaveProperty('dpop-nonce');
    }
  });

  it.each(['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519'])(
    'is accepted when it is signed with %s',
    async (alg) => {
      const [sender, clock] = [await createSender(alg), createClock()];
      const api = createApi(await createEndpoint(boundTo(sender)), { clock, dpop: { origin: ORIGIN } });
      await sendBound(api, 'abc', await sender.proof('abc', clock)).expect(200);
    },
  );

  it('is checked as strictly when its key was seen before', async () => {
    const { sender, send } = await createDpopSetup();
    await send(200);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await send(401, { key: STRANGER.privateKey });
    await send(401, { header: { jwk: { ...sender.jwk, d: privateKey.export({ format: 'jwk' }).d } } });
    await send(401, { header: { jwk: { ...sender.jwk, use: 'enc' } } });
    await send(401, { header: { typ: 'jwt' } });
    await send(401, { claims: { ath: 'other' } });
    await send(200);
  });

  it('does not change how plain Bearer tokens are handled', async () => {
    const endpoint = await createEndpoint(active());
    await createApi(endpoint, { dpop: { origin: ORIGIN } })
      .get('abc')
      .expect(200);
  });

  it('is introspected without the proof and the scheme', async () => {
    const { endpoint, send } = await createDpopSetup();
    await send(200);
    expect(endpoint.asked).toHaveLength(1);
    expect(endpoint.asked[0]?.headers).not.toHaveProperty('dpop');
    expect(endpoint.asked[0]?.form.get('token')).toBe('abc');
    expect(endpoint.asked[0]?.body).not.toMatch(/dpop/i);
    expect(endpoint.asked[0]?.headers.authorization).toMatch(/^Basic /);
  });

  it('needs a valid proof on every request, although the response is cached', async () => {
    const { api, endpoint, send } = await createDpopSetup();
    await send(200);
    await sendBound(api, 'abc').expect(401);
    await send(401, { claims: { htm: 'POST' } });
    await send(200);
    expect([endpoint.asked.length, api.reached()]).toEqual([1, 2]);
  });
});

type Defect = readonly [title: string, make: (setup: DpopSetup) => Promise<string | readonly string[] | undefined>];

const claims = (title: string, wrong: (setup: DpopSetup) => Record<string, unknown>): Defect => [
  title,
  (setup) => setup.sender.proof('abc', setup.clock, { claims: wrong(setup) }),
];
const header = (title: string, wrong: (sender: Sender) => Record<string, unknown>): Defect => [
  title,
  ({ sender, clock }) => sender.proof('abc', clock, { header: wrong(sender) }),
];
/** Complete claims for proofs that no library would sign. */
const partsOf = async ({ sender, clock }: DpopSetup) => {
  const [head, body] = (await sender.proof('abc', clock)).split('.').map((part) => Buffer.from(part, 'base64url'));
  return { header: JSON.parse(String(head)), claims: JSON.parse(String(body)) };
};

const DEFECTS: readonly Defect[] = [
  ['none at all', async () => undefined],
  ['an empty one', async () => ''],
  ['no JWS', async () => 'abc'],
  ['a JWS of two parts', async ({ sender, clock }) => (await sender.proof('abc', clock)).split('.', 2).join('.')],
  ['a JWS with a part more', async ({ sender, clock }) => `${await sender.proof('abc', clock)}.x`],
  ['two of them', async ({ sender, clock }) => [await sender.proof('abc', clock), await sender.proof('abc', clock)]],
  ['a good one and an empty one', async ({ sender, clock }) => [await sender.proof('abc', clock), '']],
  ['an empty one and a good one', async ({ sender, clock }) => ['', await sender.proof('abc', clock)]],
  [
    'the same one twice',
    async ({ sender, clock }) => {
      const proof = await sender.proof('abc', clock);
      return [proof, proof];
    },
  ],
  [
    'one of more than 8192 characters',
    async ({ sender, clock }) => sender.proof('abc', clock, { claims: { x: 'x'.repeat(8000) } }),
  ],
  header('no typ', () => ({ typ: undefined })),
  header('the typ of another JWT', () => ({ typ: 'JWT' })),
  header('a typ in capitals', () => ({ typ: 'DPOP+JWT' })),
  header('no key', () => ({ jwk: undefined })),
  header('a key that is null', () => ({ jwk: null })),
  header('a key that is no key', () => ({ jwk: { kty: 'EC' } })),
  header('the private key', ({ key }) => ({ jwk: key.export({ format: 'jwk' }) })),
  header('a private part that is empty', ({ jwk }) => ({ jwk: { ...jwk, d: '' } })),
  header('a part of a private key', ({ jwk }) => ({ jwk: { ...jwk, p: 'AQAB' } })),
  [
    'primes beside an RSA key',
    async ({ clock }) => {
      const sender = await createSender('RS256');
      const { d: _, ...jwk } = sender.key.export({ format: 'jwk' });
      return sender.proof('abc', clock, { header: { jwk } });
    },
  ],
  [
    'an RSA key whose exponent takes long to verify with',
    async ({ clock }) => {
      const sender = await createSender('RS256');
      return sender.proof('abc', clock, { header: { jwk: { ...sender.jwk, e: 'AAAAAAEAAQ' } } });
    },
  ],
  header('a key of another pair', () => ({ jwk: STRANGER.publicKey.export({ format: 'jwk' }) })),
  [
    'the algorithm none',
    async (setup) => {
      const { header, claims } = await partsOf(setup);
      return assemble({ ...header, alg: 'none' }, claims, '');
    },
  ],
  [
    'a signature with a shared secret, the public key',
    async (setup) => {
      const { header, claims } = await partsOf(setup);
      const jwk = JSON.stringify(setup.sender.jwk);
      return assemble({ ...header, alg: 'HS256' }, claims, (input) =>
        createHmac('sha256', jwk).update(input).digest('base64url'),
      );
    },
  ],
  [
    'a signature with the secret it shows',
    async (setup) => {
      const { claims } = await partsOf(setup);
      const jwk = { kty: 'oct', k: Buffer.from('secret').toString('base64url') };
      return assemble({ typ: 'dpop+jwt', alg: 'HS256', jwk }, claims, (input) =>
        createHmac('sha256', 'secret').update(input).digest('base64url'),
      );
    },
  ],
  [
    'no signature',
    async (setup) => {
      const { header, claims } = await partsOf(setup);
      return assemble(header, claims, '');
    },
  ],
  ['a signature by another key', async ({ sender, clock }) => sender.proof('abc', clock, { key: STRANGER.privateKey })],
  [
    'claims that are no object',
    async ({ sender }) => {
      const { CompactSign } = await import('jose');
      return new CompactSign(Buffer.from('null'))
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: sender.jwk })
        .sign(sender.key);
    },
  ],
  ...['jti', 'htm', 'htu', 'iat', 'ath'].flatMap((name) => [
    claims(`no ${name}`, () => ({ [name]: undefined })),
    claims(`a ${name} that is null`, () => ({ [name]: null })),
    claims(`a ${name} of another type`, () => ({ [name]: name === 'iat' ? '1800000000' : 7 })),
  ]),
  claims('an empty jti', () => ({ jti: '' })),
  claims('another method', () => ({ htm: 'POST' })),
  claims('the method in another case', () => ({ htm: 'get' })),
  claims('another path', () => ({ htu: `${ORIGIN}/other` })),
  claims('another host', () => ({ htu: 'https://api.example.org/' })),
  claims('a longer host', () => ({ htu: `${ORIGIN}.evil.example/` })),
  claims('the host that the request names', () => ({ htu: 'http://127.0.0.1/' })),
  claims('another port', () => ({ htu: `${ORIGIN}:8443/` })),
  claims('another scheme', () => ({ htu: 'http://api.example.com/' })),
  claims('a user in the URL', () => ({ htu: 'https://alice@api.example.com/' })),
  claims('a path without a host', () => ({ htu: '/' })),
  claims('a URL that is none', () => ({ htu: 'https://' })),
  claims('a list of URLs', () => ({ htu: [`${ORIGIN}/`] })),
  claims('the hash of another token', () => ({ ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo' })),
  claims('the token itself for its hash', () => ({ ath: 'abc' })),
  claims('an iat an hour ago', ({ clock }) => ({ iat: clock.seconds() - 3600 })),
  claims('an iat just before the window', ({ clock }) => ({ iat: clock.seconds() - 60.001 })),
  claims('an iat just ahead of the window', ({ clock }) => ({ iat: clock.seconds() + 10.001 })),
  claims('an iat an hour ahead', ({ clock }) => ({ iat: clock.seconds() + 3600 })),
  claims('an iat in milliseconds', ({ clock }) => ({ iat: clock.seconds() * 1000 })),
];

describe('a DPoP-bound token is answered 401 invalid_dpop_proof, without an introspection request, with', () => {
  it.each(DEFECTS)('%s', async (_, make) => {
    const setup = await createDpopSetup();
    const { api, endpoint } = setup;
    const decisions = recordDecisions();
    const response = await sendBound(api, 'abc', await make(setup)).expect(401);
    expect(response.headers['www-authenticate']).toBe(CHALLENGES.proof);
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.body.error).toBe('invalid_dpop_proof');
    expect([endpoint.asked.length, api.reached(), api.errors]).toEqual([0, 0, []]);
    expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason: 'invalid_dpop_proof' }]);
  });

  it('an algorithm that is not configured', async () => {
    const { api, endpoint, send } = await createDpopSetup({ algorithms: ['ES384', 'PS256'] });
    const response = await send(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_dpop_proof"');
    expect(response.headers['www-authenticate']).toMatch(/, algs="ES384 PS256"$/);
    expect([endpoint.asked.length, api.reached()]).toEqual([0, 0]);
  });
});

describe('a DPoP proof', () => {
  it.each([
    [-60, 200],
    [-59.5, 200],
    [0, 200],
    [5, 200],
    [10, 200],
    [-61, 401],
    [11, 401],
  ])('dated %d seconds from now is answered %d', async (seconds, status) => {
    const { clock, send } = await createDpopSetup();
    await send(status, { claims: { iat: clock.seconds() + seconds } });
  });

  it.each([
    [300, 300, 200],
    [300, 301, 401],
    [1, 1, 200],
    [1, 2, 401],
  ])('with maxAgeSeconds %d and an age of %d seconds is answered %d', async (maxAgeSeconds, age, status) => {
    const { clock, send } = await createDpopSetup({ maxAgeSeconds });
    await send(status, { claims: { iat: clock.seconds() - age } });
  });

  it('with any character changed is rejected, even when it decodes to the same bytes', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const proof = await sender.proof('abc', clock);
    const requestWith = (dpop: string) =>
      ({ method: 'GET', url: '/', rawHeaders: [], headers: { authorization: 'DPoP abc', dpop } }) as never;
    await api.authenticate.authenticateRequest(requestWith(proof));
    const character = fc.oneof(
      fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ,'),
      fc.string({ maxLength: 2, unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(proof.length - 1), fc.nat(1), character, async (at, removed, inserted) => {
        const changed = proof.slice(0, at) + inserted + proof.slice(at + removed);
        fc.pre(changed !== proof);
        await expect(api.authenticate.authenticateRequest(requestWith(changed))).rejects.toMatchObject({
          status: 401,
          code: 'invalid_dpop_proof',
        });
      }),
      { numRuns: 400 },
    );
  });

  it('by a key other than the one the token is bound to is answered 401 invalid_token', async () => {
    const { api, clock } = await createDpopSetup();
    const other = await createSender();
    const response = await sendBound(api, 'abc', await other.proof('abc', clock)).expect(401);
    expect(response.headers['www-authenticate']).toBe(CHALLENGES.token);
    expect(api.reached()).toBe(0);
  });
});

describe('the DPoP scheme', () => {
  it('is challenged beside Bearer when there are no credentials, without an error', async () => {
    const { api } = await createDpopSetup();
    for (const authorization of [undefined, 'Basic dTpw', 'DPoPs abc']) {
      const test = request(api.app).get('/');
      if (authorization !== undefined) test.set('Authorization', authorization);
      const response = await test.expect(401);
      expect(response.headers['www-authenticate']).toBe(CHALLENGES.none);
      expect(response.body).toEqual({});
    }
  });

  it.each(['DPoP', 'DPoP ', 'dpop', 'DPoP a b', 'DPoP a=b', 'DPoP =', 'DPoP a,b', 'DPoP,x'])(
    'with a malformed token is answered 400 with the error on its own challenge: %j',
    async (authorization) => {
      const { api, endpoint, sender, clock } = await createDpopSetup();
      const proof = await sender.proof(authorization.slice('DPoP '.length), clock);
      const response = await request(api.app).get('/').set({ authorization, dpop: proof }).expect(400);
      expect(response.headers['www-authenticate']).toBe(CHALLENGES.request);
      expect(endpoint.asked).toHaveLength(0);
    },
  );

  it('rejects a token that is not bound with 401 invalid_token, whatever its type', async () => {
    for (const token_type of ['Bearer', 'DPoP', undefined]) {
      const { endpoint, send, api } = await createDpopSetup();
      endpoint.script = active({ token_type, exp: undefined });
      const response = await send(401);
      expect(response.headers['www-authenticate']).toBe(CHALLENGES.token);
      expect(api.reached()).toBe(0);
    }
  });

  it('carries the error for an unknown token, and for missing scopes', async () => {
    const { endpoint, send } = await createDpopSetup({}, { scopes: ['admin'] });
    const lacking = await send(403);
    expect(lacking.headers['www-authenticate']).toBe(CHALLENGES.scope.replace(', algs', ', scope="admin", algs'));
    endpoint.script = { active: false };
    const other = await createDpopSetup();
    other.endpoint.script = { active: false };
    const unknown = await other.send(401);
    expect(unknown.headers['www-authenticate']).toBe(CHALLENGES.token);
  });

  it('is ignored when DPoP is off: 401 with only the Bearer challenge', async () => {
    const { sender, clock, endpoint } = await createDpopSetup();
    for (const dpop of [undefined, false] as const) {
      const api = createApi(endpoint, { dpop });
      const response = await sendBound(api, 'abc', await sender.proof('abc', clock)).expect(401);
      expect(response.headers['www-authenticate']).toBe('Bearer realm="api"');
      expect(api.reached()).toBe(0);
    }
    expect(endpoint.asked).toHaveLength(0);
  });
});

describe('a DPoP-bound token under Bearer', () => {
  it('is answered 401 invalid_token with the error on Bearer, and a proof does not help', async () => {
    const { api, sender, clock } = await createDpopSetup();
    for (const proof of [undefined, await sender.proof('abc', clock)]) {
      const test = api.get('abc');
      if (proof !== undefined) test.set('DPoP', proof);
      const response = await test.expect(401);
      expect(response.headers['www-authenticate']).toBe(CHALLENGES.bearerToken);
    }
    expect(api.reached()).toBe(0);
  });

  it('is rejected by introspect() too, which has no proof', async () => {
    const { api } = await createDpopSetup();
    await expect(api.authenticate.introspect('abc')).rejects.toMatchObject({ reason: 'sender_constrained' });
  });
});
