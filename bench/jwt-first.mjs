// Measures what forged JWTs cost: jose alone, the middleware with `verifyJwtFirst()`, and the middleware with a precheck that rejects every
// token without work. The last one is the cost of any rejection. Run it after `npm run build`: node bench/jwt-first.mjs [RS256|ES256]
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose';
import introspection from '../dist/index.js';
import jwt from '../dist/jwt/index.js';

const { AuthError, noClientAuth, tokenIntrospection } = introspection;
const TOKENS = 10_000;
const ROUNDS = 7;
const CONCURRENT = 50;
const alg = process.argv[2] ?? 'RS256';

function createPair() {
  return alg === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

const genuine = createPair();
const forging = createPair();
const jwk = { ...genuine.publicKey.export({ format: 'jwk' }), kid: 'key', alg };
const counts = { introspectionRequests: 0, keyRequests: 0 };

const server = createServer((req, res) => {
  const respond = (body) => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (req.url.startsWith('/.well-known/')) return respond({ issuer, jwks_uri: `${issuer}/jwks` });
  if (req.url === '/jwks') {
    counts.keyRequests++;
    return respond({ keys: [jwk] });
  }
  counts.introspectionRequests++;
  return respond({ active: false });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

async function forge(name) {
  const now = Math.floor(Date.now() / 1000);
  const header = { alg, kid: 'key', typ: 'at+jwt' };
  const claims = { iss: issuer, sub: 'alice', jti: name, iat: now, exp: now + 3600 };
  return new SignJWT(claims).setProtectedHeader(header).sign(forging.privateKey);
}

const createMiddleware = (precheck) =>
  tokenIntrospection({ endpoint: `${issuer}/introspect`, clientAuth: noClientAuth(), audience: false, precheck });

const verifying = createMiddleware(jwt.verifyJwtFirst({ issuer, algorithms: [alg] }));
const rejecting = createMiddleware(() => {
  throw new AuthError('invalid_jwt');
});
const keys = createLocalJWKSet({ keys: [jwk] });

async function expectRejection(work) {
  const isAccepted = await work.then(
    () => true,
    () => false,
  );
  if (isAccepted) throw new Error('a forged token was accepted');
}

const TARGETS = {
  jose: (token) => jwtVerify(token, keys, { issuer, algorithms: [alg] }),
  verifying: (token) => verifying.introspect(token),
  rejecting: (token) => rejecting.introspect(token),
};

/** CPU time for each token in microseconds, which includes the threads of Web Crypto. */
async function measure(target, tokens) {
  const before = process.cpuUsage();
  for (let i = 0; i < tokens.length; i += CONCURRENT) {
    await Promise.all(tokens.slice(i, i + CONCURRENT).map((token) => expectRejection(target(token))));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / tokens.length;
}

const tokens = [];
for (let i = 0; i < TOKENS; i++) tokens.push(await forge(String(i)));
for (const target of Object.values(TARGETS)) await measure(target, tokens.slice(0, 2000));

const samples = Object.fromEntries(Object.keys(TARGETS).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, target] of Object.entries(TARGETS)) samples[name].push(await measure(target, tokens));
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const ratios = (of) => samples.jose.map((jose, i) => of(i) / jose);
const show = (value) => value.toFixed(2);
console.log(`${alg}, ${TOKENS} distinct forged JWTs, CPU time for each, median of ${ROUNDS} rounds:`);
for (const [name, list] of Object.entries(samples)) console.log(`  ${name.padEnd(10)} ${median(list).toFixed(1)} µs`);
console.log(`  verification / jose ${show(median(ratios((i) => samples.verifying[i] - samples.rejecting[i])))}`);
console.log(`  whole rejection / jose ${show(median(ratios((i) => samples.verifying[i])))}`);
console.log(`  ${JSON.stringify(counts)}`);

await Promise.all([verifying.close(), rejecting.close()]);
server.close();
