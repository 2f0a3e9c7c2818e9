import { createPublicKey } from 'node:crypto';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { expressjwt } from 'express-jwt';
import { auth } from 'express-oauth2-jwt-bearer';
import * as oauth from 'oauth4webapi';
import { Passport } from 'passport';
import { Strategy } from 'passport-http-bearer';
import tokenIntrospection from 'token-introspection';
import { introspectionResponse } from '../tokens.mjs';

/** Verifies the token locally, so it does not learn about revocations. */
export function expressOauth2JwtBearer({ jwksUri, issuer, audience }) {
  return auth({ jwksUri, issuer, audience });
}

export function expressJwt({ keys, issuer, audience }) {
  const secret = createPublicKey({ key: keys.RS256, format: 'jwk' });
  return expressjwt({ secret, algorithms: ['RS256'], issuer, audience });
}

export function passportHttpBearer({ tokens }) {
  const known = new Map(tokens.map((token) => [token, introspectionResponse(token)]));
  const passport = new Passport();
  passport.use(new Strategy((token, done) => done(null, known.get(token) ?? false)));
  return passport.authenticate('bearer', { session: false });
}

export function mcpBearerAuth({ tokens }) {
  const known = new Map(tokens.map((token) => [token, authInfo(token)]));
  const verifier = {
    async verifyAccessToken(token) {
      const found = known.get(token);
      if (found === undefined) throw new InvalidTokenError('unknown token');
      return found;
    },
  };
  return requireBearerAuth({ verifier });
}

function authInfo(token) {
  const { client_id: clientId, scope, exp: expiresAt, ...extra } = introspectionResponse(token);
  return { token, clientId, scopes: scope.split(' '), expiresAt, extra };
}

export function tokenIntrospectionUncached(context) {
  const introspect = createIntrospect(context);
  return bearer((token) => introspect(token));
}

/** Adds the usual cache in a Map. */
export function tokenIntrospectionInMap(context) {
  const introspect = createIntrospect(context);
  const cache = new Map();
  return bearer(async (token) => {
    const hit = cache.get(token);
    if (hit !== undefined && Date.now() < hit.exp * 1000) return hit;
    const claims = await introspect(token);
    cache.set(token, claims);
    return claims;
  });
}

function createIntrospect({ endpoint, clientId, clientSecret }) {
  return tokenIntrospection({ endpoint, client_id: clientId, client_secret: clientSecret });
}

export function oauth4webapiUncached({ endpoint, issuer, clientId, clientSecret }) {
  const server = { issuer, introspection_endpoint: endpoint };
  const client = { client_id: clientId };
  const clientAuth = oauth.ClientSecretBasic(clientSecret);
  const options = { [oauth.allowInsecureRequests]: true };
  return bearer(async (token) => {
    const response = await oauth.introspectionRequest(server, client, clientAuth, token, options);
    const claims = await oauth.processIntrospectionResponse(server, client, response);
    if (!claims.active) throw new Error('inactive');
    return claims;
  });
}

function bearer(lookup) {
  return (req, res, next) => {
    const header = req.headers.authorization;
    const attach = (claims) => {
      req.auth = claims;
      next();
    };
    const reject = () => {
      res.statusCode = 401;
      res.end();
    };
    if (header === undefined || !header.startsWith('Bearer ')) reject();
    else lookup(header.slice(7)).then(attach, reject);
  };
}
