/** Verifies fresh DPoP proofs, through the middleware and by jose's bare jwtVerify in turn, and says what each took. */
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { median, round, summarize } from './figures.mjs';
import { jose, library } from './packages.mjs';
import { AUDIENCE, introspectionResponse, randomToken } from './tokens.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string' }, batch: { type: 'string' } } });
const [rounds, batch] = [Number(values.rounds), Number(values.batch)];

/** More than the middleware remembers: none is known any more when it comes again. */
const STRANGERS = 2000;
const REGULARS = 100;
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
const [strangers, regulars] = [await createSenders(STRANGERS), await createSenders(REGULARS)];
const byToken = new Map([...strangers, ...regulars].map((sender) => [sender.token, sender]));

/** Answers at once, in memory: only hits are measured. */
const dispatcher = {
  async request({ body }) {
    const token = new URLSearchParams(body).get('token');
    const { jkt } = byToken.get(token);
    const bytes = Buffer.from(JSON.stringify({ ...introspectionResponse(token), token_type: 'DPoP', cnf: { jkt } }));
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json', 'content-length': String(bytes.length) },
      body: Readable.from([bytes], { objectMode: false }),
    };
  },
};

const authenticate = library.tokenIntrospection({
  endpoint: 'https://as.example.com/introspect',
  clientAuth: library.clientSecretBasic('reports-api', 'a-secret'),
  audience: AUDIENCE,
  dpop: { algorithms: OPTIONS.algorithms, maxAgeSeconds: 600 },
  cache: { ttlSeconds: 3600, refreshAhead: false },
  dispatcher,
});

async function throughTheMiddleware({ sender: { token }, proof }) {
  const authorization = `DPoP ${token}`;
  const req = {
    method: 'GET',
    url: PATH,
    headers: { authorization, dpop: proof },
    rawHeaders: ['Authorization', authorization, 'DPoP', proof],
  };
  await new Promise((resolve, reject) => authenticate(req, {}, (error) => (error ? reject(error) : resolve())));
  if (req.auth?.token_type !== 'DPoP') throw new Error('not let in');
}

const SIDES = {
  strangers: {
    senders: strangers,
    bare: ({ proof }) => jwtVerify(proof, EmbeddedJWK, OPTIONS),
  },
  regulars: {
    senders: regulars,
    bare: ({ proof }) => jwtVerify(proof, EmbeddedJWK, OPTIONS),
  },
  imported: {
    senders: regulars,
    bare: ({ proof, sender: { key } }) => jwtVerify(proof, key, OPTIONS),
  },
};

/** CPU time of the process, in microseconds a proof: time on the clock would tell who else is at work. */
async function time(verify, presented) {
  const before = process.cpuUsage();
  for (const each of presented) await verify(each);
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
  // So that every token is a hit.
  for (let seen = 0; seen < senders.length; seen += batch)
    for (const each of await sign(senders)) await throughTheMiddleware(each);
  const calls = authenticate.stats().endpointCalls;
  const pairs = [];
  for (let turn = 0; turn < WARM_UP_ROUNDS + rounds; turn++) {
    const presented = await sign(senders);
    const order = turn % 2 === 0 ? [throughTheMiddleware, bare] : [bare, throughTheMiddleware];
    const micros = new Map();
    for (const verify of order) micros.set(verify, await time(verify, presented));
    if (turn >= WARM_UP_ROUNDS) pairs.push([micros.get(throughTheMiddleware), micros.get(bare)]);
  }
  if (authenticate.stats().endpointCalls !== calls) throw new Error('not all were hits');
  const { median: middle, ...spread } = summarize(pairs.map(([ours, theirs]) => ours / theirs));
  return {
    oursMicros: round(median(pairs.map(([ours]) => ours)), 1),
    bareMicros: round(median(pairs.map(([, theirs]) => theirs)), 1),
    ratio: { median: round(middle, 2), ...spread },
  };
}

process.on('message', async ({ id }) => {
  const results = { proofs: rounds * batch };
  for (const [name, side] of Object.entries(SIDES)) results[name] = await measure(side);
  process.send({ id, ...results });
});
process.send({});
process.on('disconnect', () => process.exit());
