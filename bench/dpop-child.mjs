/** Verifies new DPoP proofs with the middleware and with only jose's jwtVerify in turn, and sends the CPU time of each. */
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createDispatcher } from './dispatcher.mjs';
import { compare, estimate } from './figures.mjs';
import { jose, library } from './packages.mjs';
import { AUDIENCE, introspectionResponse, randomToken } from './tokens.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string' }, batch: { type: 'string' } } });
const [rounds, batch] = [Number(values.rounds), Number(values.batch)];

/** More keys than the middleware caches (1,000), so each key has been evicted when it is used again. */
const UNCACHED_KEYS = 2000;
const CACHED_KEYS = 100;
const WARM_UP_ROUNDS = 3;
const PATH = '/reports';
const OPTIONS = { typ: 'dpop+jwt', algorithms: ['ES256'] };

const { calculateJwkThumbprint, EmbeddedJWK, importJWK, jwtVerify, SignJWT } = await jose();

async function createSender() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const token = randomToken(43);
  return {
    ...{ jwk, token, privateKey, jkt: await calculateJwkThumbprint(jwk), key: await importJWK(jwk, 'ES256') },
    ath: createHash('sha256').update(token).digest('base64url'),
  };
}

const createSenders = (count) => Promise.all(Array.from({ length: count }, createSender));
const [uncachedKeys, cachedKeys] = [await createSenders(UNCACHED_KEYS), await createSenders(CACHED_KEYS)];
const sendersByToken = new Map([...uncachedKeys, ...cachedKeys].map((sender) => [sender.token, sender]));

const dispatcher = createDispatcher((token) => {
  const { jkt } = sendersByToken.get(token);
  return { ...introspectionResponse(token), token_type: 'DPoP', cnf: { jkt } };
});

const authenticate = library.tokenIntrospection({
  endpoint: 'https://as.example.com/introspect',
  clientAuth: library.clientSecretBasic('reports-api', 'a-secret'),
  audience: AUDIENCE,
  dpop: { algorithms: OPTIONS.algorithms, maxAgeSeconds: 600 },
  cache: { ttlSeconds: 3600, refreshAhead: false },
  dispatcher,
});

async function verifyWithMiddleware({ sender: { token }, proof }) {
  const authorization = `DPoP ${token}`;
  const req = {
    method: 'GET',
    url: PATH,
    headers: { authorization, dpop: proof },
    rawHeaders: ['Authorization', authorization, 'DPoP', proof],
  };
  await new Promise((resolve, reject) => authenticate(req, {}, (error) => (error ? reject(error) : resolve())));
  if (req.auth?.token_type !== 'DPoP') throw new Error('the middleware did not accept the proof');
}

const COMPARISONS = {
  uncachedKeys: {
    senders: uncachedKeys,
    bare: ({ proof }) => jwtVerify(proof, EmbeddedJWK, OPTIONS),
  },
  cachedKeys: {
    senders: cachedKeys,
    bare: ({ proof }) => jwtVerify(proof, EmbeddedJWK, OPTIONS),
  },
  importedKeys: {
    senders: cachedKeys,
    bare: ({ proof, sender: { key } }) => jwtVerify(proof, key, OPTIONS),
  },
};

/** CPU time of the process per proof, in microseconds. Unlike elapsed time, it does not depend on other processes. */
async function cpuTime(verify, presented) {
  const before = process.cpuUsage();
  for (const item of presented) await verify(item);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / presented.length;
}

let next = 0;

async function sign(senders) {
  const presented = [];
  for (let count = 0; count < batch; count++) {
    const sender = senders[next++ % senders.length];
    const proof = await new SignJWT({ jti: randomUUID(), htm: 'GET', htu: `${AUDIENCE}${PATH}`, ath: sender.ath })
      .setIssuedAt()
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: sender.jwk })
      .sign(sender.privateKey);
    presented.push({ sender, proof });
  }
  return presented;
}

async function measure({ senders, bare }) {
  // Fills the cache, so that only cache hits are measured.
  for (let count = 0; count < senders.length; count += batch)
    for (const item of await sign(senders)) await verifyWithMiddleware(item);
  const calls = authenticate.stats().endpointCalls;
  const pairs = [];
  for (let turn = 0; turn < WARM_UP_ROUNDS + rounds; turn++) {
    const presented = await sign(senders);
    const order = turn % 2 === 0 ? [verifyWithMiddleware, bare] : [bare, verifyWithMiddleware];
    const micros = new Map();
    for (const verify of order) micros.set(verify, await cpuTime(verify, presented));
    if (turn >= WARM_UP_ROUNDS) pairs.push([micros.get(verifyWithMiddleware), micros.get(bare)]);
  }
  if (authenticate.stats().endpointCalls !== calls) throw new Error('not all lookups were cache hits');
  const [ours, theirs] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)];
  return { oursMicros: estimate(ours, 1), bareMicros: estimate(theirs, 1), ratio: compare(ours, theirs) };
}

process.on('message', async ({ id }) => {
  const results = { proofs: rounds * batch };
  for (const [name, comparison] of Object.entries(COMPARISONS)) results[name] = await measure(comparison);
  process.send({ id, ...results });
});
process.send({});
process.on('disconnect', () => process.exit());
