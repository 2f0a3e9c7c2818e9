import { createHash } from 'node:crypto';
import { createDpopVerifier, type DpopSettings } from '../../../lib/verification/sender/dpop.js';
import { createClock } from '../../support/clock.js';
import { createSender, ORIGIN, type ProofParts } from '../../support/dpop-sender.js';

const TOKEN = 'abc';
const DIGEST = createHash('sha256').update(TOKEN).digest('base64url');
const INVALID = expect.objectContaining({ status: 401, code: 'invalid_dpop_proof', reason: 'invalid_dpop_proof' });

async function createVerifier(settings: Partial<DpopSettings> = {}, url: string | null = `${ORIGIN}/`) {
  const [sender, clock] = [await createSender(), createClock()];
  const kept: number[] = [];
  const replay = { keepFor: (ms: number) => void kept.push(ms), use: async () => true };
  const verifier = createDpopVerifier({
    ...{ algorithms: ['ES256'], maxAgeMs: 60_000, nonces: undefined, replay, clock },
    ...settings,
  });
  const verifyText = (proof: string | undefined) =>
    verifier.verify({ request: {} as never, proof, method: 'GET', url: url ?? undefined }, DIGEST);
  const verify = async (parts: ProofParts) => verifyText(await sender.proof(TOKEN, clock, parts));
  return { sender, clock, kept, verifier, verify, verifyText };
}

describe('the verifier of DPoP proofs', () => {
  it('returns the thumbprint of the key, and an id that depends on the key and the jti', async () => {
    const [{ sender, verify }, other] = [await createVerifier(), await createVerifier()];
    const first = await verify({ claims: { jti: 'a' } });
    expect(first).toEqual({ jkt: sender.jkt, id: expect.stringMatching(/^[\w-]{43}$/), isNonceOld: false });
    expect(await verify({ claims: { jti: 'a' } })).toEqual(first);
    const ids = [first, await verify({ claims: { jti: 'b' } }), await other.verify({ claims: { jti: 'a' } })];
    expect(new Set(ids.map(({ id }) => id)).size).toBe(3);
  });

  it('imports the key of several proofs once, because importing a key is slow', async () => {
    const { verify } = await createVerifier();
    const imports = jest.spyOn(crypto.subtle, 'importKey');
    try {
      const first = await verify({ claims: { jti: 'a' } });
      const { length } = imports.mock.calls;
      expect(length).toBeGreaterThan(0);
      expect((await verify({ claims: { jti: 'b' } })).jkt).toBe(first.jkt);
      expect(imports).toHaveBeenCalledTimes(length);
    } finally {
      imports.mockRestore();
    }
  });

  it.each(['null', '5', '"text"', '[]', '{}', '', '{', '\ufeff{}'])(
    'rejects the signed payload %p, even if the key is known',
    async (payload) => {
      const { CompactSign } = await import('jose');
      const { sender, verify, verifyText } = await createVerifier();
      const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: sender.jwk };
      const proof = await new CompactSign(Buffer.from(payload)).setProtectedHeader(header as never).sign(sender.key);
      await expect(verifyText(proof)).rejects.toEqual(INVALID);
      await verify({});
      await expect(verifyText(proof)).rejects.toEqual(INVALID);
    },
  );

  it.each([
    ['UTF-8', 0x78, true],
    ['not UTF-8', 0xff, false],
  ])('tells whether the payload of a proof is valid: %s', async (_, byte, isAccepted) => {
    const { CompactSign } = await import('jose');
    const { sender, clock, verifyText } = await createVerifier();
    const [header, payload] = (await sender.proof(TOKEN, clock, { claims: { note: '#' } }))
      .split('.')
      .map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer];
    payload[payload.indexOf('#')] = byte;
    const proof = verifyText(
      await new CompactSign(payload).setProtectedHeader(JSON.parse(header.toString())).sign(sender.key),
    );
    if (isAccepted) expect(await proof).toMatchObject({ jkt: sender.jkt });
    else await expect(proof).rejects.toEqual(INVALID);
  });

  it('has used proofs kept for two minutes longer than they are valid, even if they are dated ahead', async () => {
    expect((await createVerifier({ maxAgeMs: 30_000 })).kept).toEqual([30_000 + 10_000 + 120_000]);
  });

  it('accepts proofs of up to 8192 characters', async () => {
    const { sender, clock, verifyText } = await createVerifier();
    const proofs: string[] = [];
    for (let size = 5500; (proofs.at(-1)?.length ?? 0) <= 8192; size++) {
      proofs.push(await sender.proof(TOKEN, clock, { claims: { padding: 'x'.repeat(size) } }));
    }
    const [longest, tooLong] = [proofs.findLast(({ length }) => length <= 8192), proofs.at(-1)];
    expect([longest?.length, tooLong?.length]).toEqual([8192, 8194]);
    expect(await verifyText(longest)).toMatchObject({ jkt: sender.jkt });
    await expect(verifyText(tooLong)).rejects.toEqual(INVALID);
    await expect(verifyText(undefined)).rejects.toEqual(INVALID);
  });

  it.each([
    ['60 seconds old', (now: number) => ({ iat: now - 60 }), true],
    ['more than 60 seconds old', (now: number) => ({ iat: now - 60.001 }), false],
    ['dated 10 seconds ahead', (now: number) => ({ iat: now + 10 }), true],
    ['dated more than 10 seconds ahead', (now: number) => ({ iat: now + 10.001 }), false],
    ['without a date', () => ({ iat: undefined }), false],
    ['dated by a text', (now: number) => ({ iat: String(now) }), false],
    ['expiring later', (now: number) => ({ exp: now + 0.001 }), true],
    ['expiring now', (now: number) => ({ exp: now }), false],
    ['expiring at a text', (now: number) => ({ exp: String(now + 60) }), false],
    ['beginning in 10 seconds', (now: number) => ({ nbf: now + 10 }), true],
    ['beginning in more than 10 seconds', (now: number) => ({ nbf: now + 10.001 }), false],
    ['beginning at a text', (now: number) => ({ nbf: String(now) }), false],
    ['without an identifier', () => ({ jti: undefined }), false],
    ['with an empty identifier', () => ({ jti: '' }), false],
    ['with a number as identifier', () => ({ jti: 5 }), false],
    ['for another method', () => ({ htm: 'POST' }), false],
    ['for another URL', () => ({ htu: `${ORIGIN}/other` }), false],
    ['for a URL that is a list', () => ({ htu: [`${ORIGIN}/`] }), false],
    ['for another token', () => ({ ath: 'other' }), false],
  ])('tells whether a proof is valid: %s', async (_, claimsAt, isAccepted) => {
    const { clock, verify } = await createVerifier();
    const proof = verify({ claims: claimsAt(clock.seconds()) });
    if (isAccepted) expect(await proof).toMatchObject({ isNonceOld: false });
    else await expect(proof).rejects.toEqual(INVALID);
  });

  it.each([
    [`${ORIGIN}/a?b=c`, `${ORIGIN}/a`],
    [`${ORIGIN}/a`, `${ORIGIN}/a?b=c#d`],
    ['HTTPS://API.Example.com:443', `${ORIGIN}/`],
    [`${ORIGIN}/%7euser/%2f%c3%bc`, `${ORIGIN}/~user/%2F%C3%BC`],
    [`${ORIGIN}/a/../b`, `${ORIGIN}/b`],
  ])('finds the htu %s equal to the URL %s', async (htu, url) => {
    expect(await (await createVerifier({}, url)).verify({ claims: { htu } })).toMatchObject({ isNonceOld: false });
  });

  it.each([
    [`${ORIGIN}/`, null],
    ['https://alice@api.example.com/', 'https://alice@api.example.com/'],
    ['https://:secret@api.example.com/', 'https://:secret@api.example.com/x'],
    ['https://alice@api.example.com/a?b', 'https://api.example.com/a'],
    ['https://:secret@api.example.com/a?b', 'https://api.example.com/a'],
    ['no url', 'no url'],
    ['no url', 'another text'],
    [`${ORIGIN}/a`, `${ORIGIN}/A`],
    [`${ORIGIN}/a%2Fb`, `${ORIGIN}/a/b`],
    [`${ORIGIN}/a%21`, `${ORIGIN}/a!`],
    ['http://api.example.com/', `${ORIGIN}/`],
    [`${ORIGIN}:8443/`, `${ORIGIN}/`],
  ])('finds the htu %s different from the URL %s', async (htu, url) => {
    await expect((await createVerifier({}, url)).verify({ claims: { htu } })).rejects.toEqual(INVALID);
  });

  it.each([
    ['another type', { typ: 'jwt' }],
    ['no type', { typ: undefined }],
    ['no key', { jwk: undefined }],
    ['a part of a private key', (jwk: object) => ({ jwk: { ...jwk, d: 'AA' } })],
    ['a long exponent', (jwk: object) => ({ jwk: { ...jwk, e: 'AQABAQABA' } })],
  ])('rejects a proof with %s in its header', async (_, change) => {
    const { sender, verify } = await createVerifier();
    await verify({});
    const header = typeof change === 'function' ? change(sender.jwk) : change;
    await expect(verify({ header })).rejects.toEqual(INVALID);
  });

  it('rejects other algorithms than those it was created with, and texts that are no JWT', async () => {
    const { verify, verifyText } = await createVerifier({ algorithms: ['ES384'] });
    await expect(verify({})).rejects.toEqual(INVALID);
    for (const text of ['', 'a', 'a.b.c', '..']) await expect(verifyText(text)).rejects.toEqual(INVALID);
  });

  it.each(['current', 'old', 'unknown'] as const)(
    'passes the nonce on, and accepts it unless it is unknown: %s',
    async (state) => {
      const seen: unknown[] = [];
      const check = (nonce: unknown) => {
        seen.push(nonce);
        return state;
      };
      const { verify } = await createVerifier({ nonces: { current: () => '', check } });
      const proof = verify({ claims: { nonce: 'n' } });
      if (state !== 'unknown') expect((await proof).isNonceOld).toBe(state === 'old');
      else await expect(proof).rejects.toMatchObject({ status: 401, reason: 'dpop_nonce_required' });
      await expect(verify({ claims: { nonce: 'n', ath: 'other' } })).rejects.toEqual(INVALID);
      expect(seen).toEqual(['n']);
    },
  );

  it('lets a proof be used as the replay guard says, and by nobody while the guard fails', async () => {
    const calls: unknown[] = [];
    const results: (boolean | Error)[] = [true, false, new Error('store')];
    const use = async (...call: unknown[]) => {
      calls.push(call);
      const result = results.shift();
      if (result instanceof Error) throw result;
      return result === true;
    };
    const { verifier } = await createVerifier({ replay: { keepFor() {}, use } });
    const [proof, request] = [{ jkt: 'j', id: 'i', isNonceOld: false }, {}];
    await verifier.use(proof, request);
    await expect(verifier.use(proof, request)).rejects.toMatchObject({ status: 401, reason: 'dpop_proof_replayed' });
    await expect(verifier.use(proof, request)).rejects.toMatchObject({ status: 503, code: 'replay_store_failed' });
    expect(calls).toEqual(Array(3).fill(['i', request]));
  });

  it('tells the algorithms and whether DPoP is required, for challenges', async () => {
    const { verifier } = await createVerifier({ isRequired: true });
    expect(verifier).toMatchObject({ algorithms: ['ES256'], isRequired: true, nonces: undefined });
  });
});
