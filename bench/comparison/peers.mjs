/** The compared packages. Each is set up as its documentation says, with the few lines that the app must add. */
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import Keycloak from 'keycloak-connect';
import { Passport } from 'passport';
import { Strategy } from 'passport-http-bearer';
import createIntrospect, { errors } from 'token-introspection';
import { express, library } from '../packages.mjs';
import { AUDIENCE, CLIENT_ID, CLIENT_SECRET, REALM, realmPublicKey } from './authorization-server.mjs';

const REQUIRED_SCOPE = 'reports:write';

/** `guard` requires a scope. It is missing if the package has no guard for scopes. */
export const PEERS = [
  {
    name: 'this library',
    packages: [],
    create({ issuer }) {
      const authenticate = library.tokenIntrospection({
        endpoint: `${issuer}/introspect`,
        clientAuth: library.clientSecretBasic(CLIENT_ID, CLIENT_SECRET),
        audience: AUDIENCE,
      });
      return { authenticate, guard: library.requireScope(REQUIRED_SCOPE), close: () => authenticate.close() };
    },
  },
  {
    name: 'express-oauth2-jwt-bearer',
    packages: ['express-oauth2-jwt-bearer'],
    create: ({ issuer }) => ({
      authenticate: auth({ issuer, jwksUri: `${issuer}/jwks`, audience: AUDIENCE, tokenSigningAlg: 'RS256' }),
      guard: requiredScopes(REQUIRED_SCOPE),
    }),
  },
  {
    name: 'keycloak-connect',
    packages: ['keycloak-connect'],
    create({ origin }) {
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
      return { before: keycloak.middleware(), authenticate: keycloak.protect() };
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
        guard: requireBearerAuth({ verifier, requiredScopes: [REQUIRED_SCOPE] }),
      };
    },
  },
];

function createIntrospectFor(issuer) {
  return createIntrospect({ endpoint: `${issuer}/introspect`, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
}

/** Starts an app with a package: `/` requires a token, and `/guarded` also requires a scope. */
export async function startPeer({ create }, server) {
  const { before, authenticate, guard, close } = create(server);
  const app = express();
  app.set('env', 'production');
  if (before !== undefined) app.use(before);
  app.get('/', authenticate, (_req, res) => res.send('reached'));
  if (guard !== undefined) app.get('/guarded', authenticate, guard, (_req, res) => res.send('reached'));
  app.use((error, _req, res, _next) => {
    res
      .status(error.status ?? error.statusCode ?? 500)
      .set(error.headers ?? {})
      .end();
  });
  const listener = await new Promise((resolve) => {
    const started = app.listen(0, '127.0.0.1', () => resolve(started));
  });
  return {
    port: listener.address().port,
    hasGuard: guard !== undefined,
    async close() {
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
      await close?.();
    },
  };
}
