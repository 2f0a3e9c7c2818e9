// Runs an API with one configuration in a new process, and sends ten requests within a minute of its clock. See ConfigurationCase.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { generateKeyPair, SignJWT } from 'jose';
import { bearerToken, clientSecretBasic, tlsClientAuth, tokenIntrospection } from '../../dist/index.js';

const REQUESTS = 10;
const SECONDS_BETWEEN = 7;

const given = JSON.parse(process.argv[2]);
const { endpoint = {}, api = {}, authorization = 'Bearer TOKEN', token } = given;

/** Replaces placeholders in a response: times, the received token, and the client id. */
function fill(text, question = '') {
  return text
    .replace(/"NOW([+-]\d+)"/g, (_, seconds) => String(Math.floor(Date.now() / 1000) + Number(seconds)))
    .replaceAll('ECHO', () => new URLSearchParams(question).get('token') ?? '')
    .replaceAll('ORIGIN', origin);
}

async function signed(response) {
  const { privateKey } = await generateKeyPair('ES256');
  return new SignJWT({ token_introspection: response })
    .setProtectedHeader({ alg: 'ES256', typ: 'token-introspection+jwt' })
    .setIssuer(origin)
    .setAudience('reports-api')
    .setIssuedAt()
    .sign(privateKey);
}

async function answer(req, res) {
  let question = '';
  for await (const chunk of req) question += chunk;
  const reply = req.method === 'GET' ? (endpoint.metadata ?? { status: 404, body: '' }) : endpoint;
  const { status = 200, type = 'application/json', headers = {}, body = '' } = reply;
  const text = fill(typeof body === 'string' ? body : JSON.stringify(body), question);
  const sent = endpoint.isSigned && req.method === 'POST' ? await signed(JSON.parse(text)) : text;
  res.writeHead(status, { ...(type && { 'content-type': type }), ...headers }).end(sent);
}

const server = endpoint.tls === undefined ? createServer(answer) : createTlsServer(endpoint.tls, answer);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
const origin = `${endpoint.scheme ?? (endpoint.tls === undefined ? 'http' : 'https')}://${endpoint.host ?? '127.0.0.1'}:${endpoint.port ?? port}`;

let sent = 0;
const clock = {
  now: () => Date.now() + (api.clockSeconds ?? 0) * 1000,
  monotonic: () => performance.now() + sent * SECONDS_BETWEEN * 1000,
};

function clientAuth() {
  if (api.tls !== undefined) return tlsClientAuth({ clientId: 'reports-api', ...api.tls });
  if (api.bearer !== undefined) return bearerToken(api.bearer);
  return clientSecretBasic('reports-api', api.secret);
}

const authenticate = tokenIntrospection({
  ...(api.discovers ? { authorizationServer: origin } : { endpoint: `${origin}/introspect` }),
  clientAuth: clientAuth(),
  audience: 'https://api.example.com',
  timeoutMs: 1000,
  ...api.options,
  clock,
});

const app = createServer((req, res) => {
  authenticate(req, res, (error) => {
    res.writeHead(error?.status ?? 200, error?.headers).end();
  });
});
app.listen(0, '127.0.0.1');
await once(app, 'listening');
for (let request = 0; request < REQUESTS; request++) {
  sent++;
  const response = await fetch(`http://127.0.0.1:${app.address().port}/api/reports?access_token=${token}`, {
    headers: { authorization: authorization.replaceAll('TOKEN', token) },
  });
  console.log(response.status, response.headers.get('www-authenticate') ?? '', await response.text());
}
app.close();
app.closeAllConnections();
server.close();
server.closeAllConnections();
await authenticate.close();
