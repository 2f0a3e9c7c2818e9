// Changes Object.prototype, as another package may do, then sends requests through the built middleware in memory.
const { IncomingMessage, ServerResponse } = require('node:http');
const { Socket } = require('node:net');
const { Readable } = require('node:stream');

const [, , how, json = '[]'] = process.argv;
if (how === 'freeze before') Object.freeze(Object.prototype);
const lib = require('../../dist/index.js');
for (const entry of ['mcp', 'metadata', 'providers', 'selectors', 'testing', 'websocket']) {
  require(`../../dist/${entry}/index.js`);
}

const AUDIENCE = 'https://api.example.com';
const GOOD = { active: true, aud: AUDIENCE, iss: 'https://as.example.com', scope: 'read', exp: 9999999999 };
const REPLIES = {
  good: GOOD,
  odd: { ...GOOD, constructor: 'c', toString: 't', valueOf: 1, hasOwnProperty: { constructor: 'd' } },
  noAudience: { ...GOOD, aud: undefined },
  noIssuer: { ...GOOD, iss: undefined },
  noScope: { ...GOOD, scope: undefined },
  bound: { ...GOOD, cnf: { jkt: 'A'.repeat(43) }, token_type: 'DPoP' },
  certificateBound: { ...GOOD, cnf: { 'x5t#S256': 'A'.repeat(43) } },
  emptyBinding: { ...GOOD, cnf: {} },
  details: { ...GOOD, authorization_details: [{}] },
  inactive: { active: false },
  empty: {},
  error: { error: 'invalid_request' },
};
const dispatcher = {
  async request({ body }) {
    const [token] = new URLSearchParams(body).get('token').split('.');
    const statusCode = token === 'error' ? 400 : 200;
    const text = JSON.stringify(REPLIES[token]);
    return { statusCode, headers: { 'content-type': 'application/json' }, body: Readable.from([Buffer.from(text)]) };
  },
};
const options = { endpoint: 'https://as.example.com/introspect', clientAuth: lib.noClientAuth(), dispatcher };
const authenticate = lib.tokenIntrospection({
  ...options,
  audience: AUDIENCE,
  issuer: GOOD.iss,
  scopes: ['read'],
  dpop: true,
  mtls: { certificate: () => undefined },
  tokenFromBody: true,
});
const GUARDS = {
  requireClaim: lib.requireClaim('org', 'org_1'),
  requireAuthentication: lib.requireAuthentication({ acrValues: ['gold'], maxAgeSeconds: 60 }),
  requireAuthorizationDetails: lib.requireAuthorizationDetails('pay'),
  requireFresh: lib.requireFresh({ maxAgeSeconds: 0 }),
};

/** The status, or the claims that the handler gets. */
function send(token, guard) {
  return new Promise((resolve) => {
    const req = new IncomingMessage(new Socket());
    req.method = 'POST';
    req.headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    req.rawHeaders = Object.entries(req.headers).flat();
    const res = new ServerResponse(req);
    res.end = () => resolve(res.statusCode);
    const done = (error) => resolve(error === undefined ? { ...req.auth } : (error.code ?? String(error)));
    authenticate(req, res, (error) =>
      error === undefined && guard !== undefined ? guard(req, res, done) : done(error),
    );
  });
}

let runs = 0;

async function sendAll() {
  // Each run has its own tokens, so that no response is in the cache.
  const run = runs++;
  const seen = [['no token', await send(undefined)]];
  for (const token of Object.keys(REPLIES)) seen.push([token, await send(`${token}.${run}`)]);
  for (const [guard, check] of Object.entries(GUARDS)) {
    seen.push([guard, await send(`${guard === 'requireAuthorizationDetails' ? 'details' : 'good'}.${run}`, check)]);
  }
  return Object.fromEntries(seen);
}

async function main() {
  if (how === 'freeze after') Object.freeze(Object.prototype);
  if (how !== 'set') console.log(JSON.stringify(await sendAll()));
  for (const [name, value] of JSON.parse(json)) {
    Object.defineProperty(Object.prototype, name, { value, writable: true, enumerable: true, configurable: true });
    const seen = await sendAll();
    delete Object.prototype[name];
    console.log(JSON.stringify(seen));
  }
}

main();
