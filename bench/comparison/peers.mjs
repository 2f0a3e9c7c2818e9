/** The compared packages. Each is set up as its documentation says, with the few lines that the app must add. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import fastifyJwt from '@fastify/jwt';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { isAPIError } from 'better-auth/api';
import { verifyAccessTokenRequest } from 'better-auth/oauth2';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import buildGetJwks from 'get-jwks';
import Keycloak from 'keycloak-connect';
import { Passport } from 'passport';
import { Strategy } from 'passport-http-bearer';
import createIntrospect, { errors } from 'token-introspection';
import { entry, express, Fastify, library, redis } from '../packages.mjs';
import { AUDIENCE, CLIENT_ID, CLIENT_SECRET, FRONTEND_ID, REALM, realmPublicKey } from './authorization-server.mjs';

export const REQUIRED_SCOPE = 'reports:write';
const REQUIRED_ROLE = 'admin';
const CACHE_SECRET = randomBytes(32).toString('base64');

/**
 * `create` returns middleware of Express, or else a `listener`. The guards `scope` and `role` are missing if the package has none.
 * `beforeStream` is called before an event stream begins, if the package has a function for that.
 * `notify` tells the API at this address, in the name of the authorization server, that the token was revoked. It is missing if the
 * package receives no notifications.
 */
export const PEERS = [
  {
    name: 'this library',
    packages: [],
    async create({ issuer, logoutToken }, redisUrl) {
      const client = redisUrl === undefined ? undefined : await redis.createClient({ url: redisUrl }).connect();
      const authenticate = library.tokenIntrospection({
        endpoint: `${issuer}/introspect`,
        clientAuth: library.clientSecretBasic(CLIENT_ID, CLIENT_SECRET),
        audience: AUDIENCE,
        ...(client && { cache: { store: entry('redis').redisStore({ client }), secrets: [CACHE_SECRET] } }),
      });
      const { backChannelLogout } = entry('signals');
      return {
        before: express
          .Router()
          .post('/backchannel-logout', backChannelLogout({ authenticate, issuer, audience: FRONTEND_ID })),
        authenticate,
        scope: library.requireScope(REQUIRED_SCOPE),
        role: library.requireRole(REQUIRED_ROLE),
        beforeStream: entry('streams').endWithToken,
        notify: async (url, token) => {
          const form = new URLSearchParams({ logout_token: await logoutToken(token) });
          await post(`${url}/backchannel-logout`, form);
        },
        async close() {
          await authenticate.close();
          client?.destroy();
        },
      };
    },
  },
  {
    name: 'express-oauth2-jwt-bearer',
    packages: ['express-oauth2-jwt-bearer'],
    create: ({ issuer }) => ({
      authenticate: auth({ issuer, jwksUri: `${issuer}/jwks`, audience: AUDIENCE, tokenSigningAlg: 'RS256' }),
      scope: requiredScopes(REQUIRED_SCOPE),
    }),
  },
  {
    name: 'keycloak-connect',
    packages: ['keycloak-connect'],
    create({ origin, sign }) {
      const keycloak = new Keycloak(
        {},
        {
          realm: REALM,
          'auth-server-url': origin,
          resource: AUDIENCE,
          'bearer-only': true,
          'verify-token-audience': true,
          'realm-public-key': realmPublicKey,
        },
      );
      return {
        before: keycloak.middleware(),
        authenticate: keycloak.protect(),
        role: keycloak.protect(`realm:${REQUIRED_ROLE}`),
        // The only message about revocation: it rejects all tokens that were issued before a time.
        notify: async (url) => {
          const notBefore = Math.floor(Date.now() / 1000) + 1;
          await post(`${url}/k_push_not_before`, await sign({ action: 'PUSH_NOT_BEFORE', notBefore, typ: 'Bearer' }));
        },
      };
    },
  },
  {
    name: 'passport-http-bearer with token-introspection',
    packages: ['passport-http-bearer', 'token-introspection'],
    create({ issuer }) {
      const introspect = createIntrospectFor(issuer);
      const passport = new Passport();
      const strategy = new Strategy((token, done) => {
        introspect(token).then(
          (claims) => done(null, claims, claims),
          (error) => (error instanceof errors.TokenNotActiveError ? done(null, false) : done(error)),
        );
      });
      return { authenticate: passport.use(strategy).authenticate('bearer', { session: false }) };
    },
  },
  {
    name: 'MCP SDK with token-introspection',
    packages: ['@modelcontextprotocol/sdk', 'token-introspection'],
    create({ issuer }) {
      const introspect = createIntrospectFor(issuer);
      const verifier = {
        async verifyAccessToken(token) {
          const {
            client_id: clientId,
            scope,
            exp: expiresAt,
            ...extra
          } = await introspect(token).catch((error) => {
            throw error instanceof errors.TokenNotActiveError ? new InvalidTokenError('not active') : error;
          });
          return { token, clientId, scopes: scope.split(' '), expiresAt, extra };
        },
      };
      return {
        authenticate: requireBearerAuth({ verifier }),
        scope: requireBearerAuth({ verifier, requiredScopes: [REQUIRED_SCOPE] }),
      };
    },
  },
  {
    name: 'better-auth, with introspection',
    packages: ['better-auth'],
    create({ issuer }) {
      const protect =
        (options = {}) =>
        async (req, res, next) => {
          const { authorization, dpop } = req.headers;
          const url = `http://${req.headers.host}${req.originalUrl}`;
          try {
            req.auth = await verifyAccessTokenRequest(
              { authorizationHeader: authorization, dpopProofJwt: dpop, method: req.method, url },
              {
                verifyOptions: { issuer, audience: AUDIENCE },
                remoteVerify: {
                  introspectUrl: `${issuer}/introspect`,
                  clientId: CLIENT_ID,
                  clientSecret: CLIENT_SECRET,
                },
                ...options,
              },
            );
          } catch (error) {
            return isAPIError(error) ? res.status(error.statusCode).json(error.body) : next(error);
          }
          next();
        };
      return { authenticate: protect(), scope: protect({ requiredScopes: [REQUIRED_SCOPE] }) };
    },
  },
  {
    name: '@fastify/jwt (fast-jwt)',
    packages: ['@fastify/jwt', 'fast-jwt', 'get-jwks'],
    async create({ issuer }) {
      const getJwks = buildGetJwks({ issuersWhitelist: [issuer], providerDiscovery: true });
      const app = Fastify();
      app.register(fastifyJwt, {
        decode: { complete: true },
        secret: (_request, { header: { kid, alg }, payload: { iss } }) =>
          getJwks.getPublicKey({ kid, domain: iss, alg }),
        verify: { allowedIss: issuer, allowedAud: AUDIENCE },
      });
      app.addHook('onRequest', (request) => request.jwtVerify());
      app.get('/', () => 'reached');
      app.get('/stream', (_request, reply) => sendEvents(reply.hijack().raw));
      await app.ready();
      return { listener: app.routing, close: () => app.close() };
    },
  },
];

async function post(url, body) {
  const { ok, status } = await fetch(url, { method: 'POST', body });
  if (!ok) throw new Error(`${url} responded with ${status}`);
}

function createIntrospectFor(issuer) {
  return createIntrospect({ endpoint: `${issuer}/introspect`, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
}

/**
 * Starts an app with a package: `/` requires a token, `/scope` also requires a scope, and `/role` a role. `/stream` is an event stream.
 */
export async function startPeer({ create }, server, redisUrl) {
  const { listener, scope, role, notify, close, ...others } = await create(server, redisUrl);
  const http = createServer(listener ?? createApp({ ...others, scope, role }));
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address();
  return {
    port,
    hasScopeGuard: scope !== undefined,
    hasRoleGuard: role !== undefined,
    ...(notify && { notify: (token) => notify(`http://127.0.0.1:${port}`, token) }),
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await close?.();
    },
  };
}

/** Sends an event each second until the response ends. */
function sendEvents(res) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: first\n\n');
  const timer = setInterval(() => res.write('data: next\n\n'), 1000);
  res.on('close', () => clearInterval(timer));
}

function createApp({ before, authenticate, scope, role, beforeStream }) {
  const app = express();
  app.set('env', 'production');
  if (before !== undefined) app.use(before);
  const reached = (_req, res) => res.send('reached');
  app.get('/', authenticate, reached);
  app.get('/stream', authenticate, (req, res) => {
    if (beforeStream?.(req, res) !== false) sendEvents(res);
  });
  if (scope !== undefined) app.get('/scope', authenticate, scope, reached);
  if (role !== undefined) app.get('/role', authenticate, role, reached);
  app.use((error, _req, res, _next) => {
    res
      .status(error.status ?? error.statusCode ?? 500)
      .set(error.headers ?? {})
      .end();
  });
  return app;
}
