import { createHmac } from 'node:crypto';
import request from 'supertest';
import { createApi } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { CHALLENGES, createDpopSetup, sendBound } from '../support/dpop.js';
import { assemble, createSender, ORIGIN, type ProofParts } from '../support/dpop-sender.js';
import { active, createEndpoint } from '../support/endpoint.js';

/** The request of figure 12, and the introspection response for its token. */
const FIGURE = {
  url: 'https://resource.example.org/protectedresource',
  token: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
  iat: 1_562_262_618,
  jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
  proof: [
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19',
    'eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9',
    '2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA',
  ].join('.'),
};

describe('RFC 9449 section 7.1: the example', () => {
  it('section 7.1: the request of figure 12 is accepted for the token of figure 9, and once', async () => {
    const endpoint = await createEndpoint(active({ exp: undefined, token_type: undefined, cnf: { jkt: FIGURE.jkt } }));
    const clock = createClock(FIGURE.iat);
    const api = createApi(endpoint, { clock, dpop: { origin: 'https://resource.example.org' } });
    await sendBound(api, FIGURE.token, FIGURE.proof, '/protectedresource').expect(200);
    await sendBound(api, FIGURE.token, FIGURE.proof, '/protectedresource').expect(401);
  });
});

describe('RFC 9449 section 4: proofs', () => {
  it('section 4.3(1): two header lines are rejected', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const proofs = [await sender.proof('abc', clock), await sender.proof('abc', clock)];
    const { headers } = await sendBound(api, 'abc', proofs).expect(401);
    expect([headers['www-authenticate'], api.reached()]).toEqual([CHALLENGES.proof, 0]);
  });

  it('section 4.3(2): a value that is no JWS is rejected', async () => {
    const { api } = await createDpopSetup();
    const { headers } = await sendBound(api, 'abc', 'abc').expect(401);
    expect(headers['www-authenticate']).toBe(CHALLENGES.proof);
  });

  it.each<[string, ProofParts]>([
    ...['typ', 'jwk'].map((name): [string, ProofParts] => [
      `4.2, 4.3(3): without ${name}`,
      { header: { [name]: undefined } },
    ]),
    ...['jti', 'htm', 'htu', 'iat', 'ath'].map((name): [string, ProofParts] => [
      `4.2, 4.3(3): without ${name}`,
      { claims: { [name]: undefined } },
    ]),
    ['4.3(4): of type JWT', { header: { typ: 'JWT' } }],
    ['4.3(8): for another method', { claims: { htm: 'POST' } }],
    ['4.3(8): for the method in another case', { claims: { htm: 'get' } }],
    ['4.3(9): for another path', { claims: { htu: `${ORIGIN}/other` } }],
    ['4.3(9): for another host', { claims: { htu: 'https://other.example.com/' } }],
    ['4.3(12), 7: with the hash of another token', { claims: { ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo' } }],
    ['4.3(11), 11.1: of an hour ago', { claims: { iat: 1_800_000_000 - 3600 } }],
    ['4.3(11), 11.1: of an hour ahead', { claims: { iat: 1_800_000_000 + 3600 } }],
  ])('section %s the proof is rejected', async (_, parts) => {
    const { send, api } = await createDpopSetup();
    const { headers } = await send(401, parts);
    expect([headers['www-authenticate'], api.reached()]).toEqual([CHALLENGES.proof, 0]);
  });

  it.each(['none', 'HS256'])('section 4.3(5), 11.6: the algorithm %s is rejected', async (alg) => {
    const { api, sender, clock } = await createDpopSetup();
    const [, payload = ''] = (await sender.proof('abc', clock)).split('.');
    const claims = JSON.parse(String(Buffer.from(payload, 'base64url')));
    const sign = (input: string) => createHmac('sha256', JSON.stringify(sender.jwk)).update(input).digest('base64url');
    const proof = assemble({ typ: 'dpop+jwt', alg, jwk: sender.jwk }, claims, alg === 'none' ? '' : sign);
    await sendBound(api, 'abc', proof).expect(401);
  });

  it('section 4.3(6): a signature that does not match is rejected', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const [head, , signature] = (await sender.proof('abc', clock)).split('.');
    const [, payload] = (await sender.proof('abc', clock)).split('.');
    await sendBound(api, 'abc', [head, payload, signature].join('.')).expect(401);
  });

  it.each(['ES256', 'RS256', 'EdDSA'])('section 4.3(7): a private key of %s in the header is rejected', async (alg) => {
    const [sender, clock] = [await createSender(alg), createClock()];
    const endpoint = await createEndpoint(active({ exp: undefined, cnf: { jkt: sender.jkt } }));
    const api = createApi(endpoint, { clock, dpop: { origin: ORIGIN } });
    const header = { jwk: sender.key.export({ format: 'jwk' }) };
    await sendBound(api, 'abc', await sender.proof('abc', clock, { header })).expect(401);
    expect(endpoint.asked).toHaveLength(0);
  });

  it('section 4.3(9): query and fragment are ignored', async () => {
    const { send } = await createDpopSetup();
    await send(200, { claims: { htu: `${ORIGIN}/r` } }, '/r?x=1');
  });

  it('section 4.3: URLs are normalised as RFC 3986 sections 6.2.2 and 6.2.3 say', async () => {
    const { send } = await createDpopSetup();
    await send(200, { claims: { htu: 'HTTPS://API.EXAMPLE.COM:443/r/%7Ea' } }, '/r/~a');
  });

  it('section 4.3(11): a client whose clock is somewhat ahead is accepted', async () => {
    const { send, clock } = await createDpopSetup();
    await send(200, { claims: { iat: clock.seconds() + 5 } });
  });
});

describe('RFC 9449 section 6: token binding', () => {
  it('section 4.3(12), 6, 7.1: a valid proof of another key gets 401 invalid_token', async () => {
    const { api, clock } = await createDpopSetup();
    const other = await createSender();
    const { headers } = await sendBound(api, 'abc', await other.proof('abc', clock)).expect(401);
    expect(headers['www-authenticate']).toBe(CHALLENGES.token);
  });

  it('section 6.2: a bound token of type Bearer is rejected', async () => {
    const { send, endpoint, sender } = await createDpopSetup();
    endpoint.script = active({ exp: undefined, cnf: { jkt: sender.jkt }, token_type: 'Bearer' });
    await send(401);
  });

  it('section 6.2: the proof is not sent to the introspection endpoint', async () => {
    const { send, endpoint } = await createDpopSetup();
    await send(200);
    expect(endpoint.asked[0]?.headers).not.toHaveProperty('dpop');
  });
});

describe('RFC 9449 section 7: requests', () => {
  it('section 7.1: a cached token needs a proof too', async () => {
    const { api, send, endpoint } = await createDpopSetup();
    await send(200);
    await sendBound(api, 'abc').expect(401);
    expect(endpoint.asked).toHaveLength(1);
  });

  it('section 7.1: the scheme is not case-sensitive', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const dpop = await sender.proof('abc', clock);
    await request(api.app).get('/').set({ authorization: 'dpop abc', dpop }).expect(200);
  });

  it('section 7.1: the challenge has the algorithms, and an error if the request had a token', async () => {
    const { api, send } = await createDpopSetup({ algorithms: ['ES256', 'PS256'] });
    const none = await request(api.app).get('/').expect(401);
    expect(none.headers['www-authenticate']).toMatch(/DPoP realm="api", algs="ES256 PS256"$/);
    const { headers } = await send(401, { claims: { htm: 'PUT' } });
    expect(headers['www-authenticate']).toMatch(/DPoP realm="api", error="invalid_dpop_proof", .*algs="ES256 PS256"$/);
  });

  it('section 7.2: a bound token with the scheme Bearer gets 401 invalid_token, even with a proof', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const { headers } = await api
      .get('abc')
      .set('DPoP', await sender.proof('abc', clock))
      .expect(401);
    expect(headers['www-authenticate']).toBe(CHALLENGES.bearerToken);
  });

  it('section 7.2: there are two challenges, without an error if the request had no credentials', async () => {
    const { api } = await createDpopSetup();
    const { headers } = await request(api.app).get('/').expect(401);
    expect(headers['www-authenticate']).toBe(CHALLENGES.none);
  });

  it('section 7.2: a bound token is rejected without DPoP support', async () => {
    const { api } = await createDpopSetup({}, { dpop: false });
    await api.get('abc').expect(401);
  });

  it('section 7.2: an unbound token is rejected with the scheme DPoP', async () => {
    const { send, endpoint } = await createDpopSetup();
    endpoint.script = active({ exp: undefined });
    expect((await send(401)).headers['www-authenticate']).toBe(CHALLENGES.token);
  });
});

describe('RFC 9449 sections 8 and 9: nonces', () => {
  it('section 9, 4.3(10), 11.3: a proof without a nonce gets 401 use_dpop_nonce and a nonce', async () => {
    const { send } = await createDpopSetup({ nonce: true });
    const { headers } = await send(401);
    expect(headers['www-authenticate']).toBe(CHALLENGES.nonce);
    await send(200, { claims: { nonce: headers['dpop-nonce'] } });
  });

  it('section 8, 8.2: a response with a nonce has one DPoP-Nonce header, and is not stored', async () => {
    const { send } = await createDpopSetup({ nonce: true });
    const { headers } = await send(401);
    expect([headers['cache-control'], headers['dpop-nonce']]).toEqual(['no-store', expect.not.stringContaining(',')]);
  });

  it('section 8: recent nonces are accepted, others are rejected', async () => {
    const { send, clock } = await createDpopSetup({ nonce: true }, { cache: { ttlSeconds: 3600 } });
    const nonce = (await send(401)).headers['dpop-nonce'];
    clock.advance(120);
    await send(200, { claims: { nonce } });
    clock.advance(120);
    await send(401, { claims: { nonce } });
  });
});

describe('RFC 9449 section 11.1: replay', () => {
  it('section 11.1: a repeated proof is rejected', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const proof = await sender.proof('abc', clock);
    await sendBound(api, 'abc', proof).expect(200);
    const { headers } = await sendBound(api, 'abc', proof).expect(401);
    expect(headers['www-authenticate']).toBe(CHALLENGES.proof);
  });

  it('section 11.1: a jti of any length takes little memory', async () => {
    const keys: string[] = [];
    const setIfAbsent = async (key: string) => keys.push(key) > 0;
    const { send } = await createDpopSetup({ replayStore: { setIfAbsent } });
    await send(200, { claims: { jti: 'j'.repeat(5000) } });
    await send(401, { claims: { jti: 'j'.repeat(9000) } });
    expect(keys.map((key) => key.length)).toEqual([48]);
  });
});
