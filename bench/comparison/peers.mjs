/** Each set up as its documentation has it, with the few lines that it leaves to the app. */
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import Keycloak from 'keycloak-connect';
import { Passport } from 'passport';
import { Strategy } from 'passport-http-bearer';
import createIntrospect, { errors } from 'token-introspection';
import { express, library } from '../packages.mjs';
import { AUDIENCE, CLIENT_ID, CLIENT_SECRET, REALM, realmPublicKey } from './authorization-server.mjs';

const NEEDED_SCOPE = 'reports:write';

/** `guard` is what demands a scope, where the package has something for it. */
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
      return { authenticate, guard: library.requireScope(NEEDED_SCOPE), close: () => authenticate.close() };
    },
  },
  {
    name: 'express-oauth2-jwt-bearer',
    packages: ['express-oauth2-jwt-bearer'],
    create: ({ issuer }) => ({
      authenticate: auth({ issuer, jwksUri: `${issuer}/jwks`, audience: AUDIENCE, tokenSigningAlg: 'RS256' }),
      guard: requiredScopes(NEEDED_SCOPE),
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
      const introspect = introspectAt(issuer);
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
      const introspect = introspectAt(issuer);
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
        guard: requireBearerAuth({ verifier, requiredScopes: [NEEDED_SCOPE] }),
      };
    },
  },
];

function introspectAt(issuer) {
  return createIntrospect({ endpoint: `${issuer}/introspect`, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
}

/** One app a peer: `/` is authenticated, `/guarded` demands a scope besides. */
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
