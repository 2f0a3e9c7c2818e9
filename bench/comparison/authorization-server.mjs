/** An authorization server that issues JWTs, publishes its key, introspects its tokens, and can fail in several ways. */
import { createServer } from 'node:http';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';

export const CLIENT_ID = 'reports-api';
export const CLIENT_SECRET = 'secret';
export const AUDIENCE = 'https://api.example.com';
export const REALM = 'shop';
/** The client to which the server sends logout tokens. */
export const FRONTEND_ID = 'reports-frontend';

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

const { publicKey, privateKey } = await generateKeyPair('RS256');
const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
export const realmPublicKey = (await exportSPKI(publicKey)).replace(/-----[^-]+-----|\s/g, '');

function sign(claims, typ) {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k1', typ }).sign(privateKey);
}

export async function startAuthorizationServer() {
  const issued = new Map();
  let calls = 0;
  let mode = 'normal';
  let issuedCount = 0;

  const server = createServer(async (req, res) => {
    const send = (status, body, type = 'application/json') => {
      res.writeHead(status, { 'content-type': type });
      res.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    if (req.method === 'GET') {
      if (/\/(?:jwks|certs)$/.test(req.url)) return send(200, { keys: [jwk] });
      return send(200, { issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` });
    }
    calls++;
    let body = '';
    for await (const chunk of req) body += chunk;
    if (mode === 'hangs') return;
    if (mode === 'fails') return send(500, { error: 'server_error' });
    if (mode === 'html') return send(200, '<h1>Welcome</h1>', 'text/html');
    if (mode === 'rejects client') return send(401, { error: 'invalid_client' });
    const { claims, isRevoked } = issued.get(new URLSearchParams(body).get('token')) ?? {};
    const isActive = claims !== undefined && !isRevoked && claims.exp * 1000 > Date.now();
    send(200, isActive ? { active: true, token_type: 'Bearer', ...claims } : { active: false });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const issuer = `${origin}/realms/${REALM}`;

  return {
    origin,
    issuer,
    /** Signs a message to the API with the key that signs tokens. */
    sign: (claims) => sign(claims, 'JWT'),
    /** A logout token (OpenID Connect Back-Channel Logout) for the session of an access token. */
    logoutToken(token) {
      const { sub, sid } = issued.get(token).claims;
      const now = Math.floor(Date.now() / 1000);
      const about = { sub, sid, iat: now, exp: now + 60, jti: `l${++issuedCount}`, events: { [LOGOUT_EVENT]: {} } };
      return sign({ iss: issuer, aud: FRONTEND_ID, ...about }, 'logout+jwt');
    },
    async issue(changes = {}) {
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        ...{
          iss: issuer,
          sub: 'alice',
          aud: AUDIENCE,
          client_id: 'app',
          azp: 'app',
          typ: 'Bearer',
          scope: 'reports:read',
          roles: ['reader'],
          realm_access: { roles: ['reader'] },
        },
        ...{ iat: now, exp: now + 300, jti: `t${++issuedCount}`, sid: `s${issuedCount}`, ...changes },
      };
      const token = await sign(claims, 'at+jwt');
      issued.set(token, { claims, isRevoked: false });
      return token;
    },
    revoke(token) {
      issued.get(token).isRevoked = true;
    },
    setMode(newMode) {
      mode = newMode;
    },
    calls: () => calls,
    reset() {
      calls = 0;
      mode = 'normal';
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
