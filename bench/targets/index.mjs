/**
 * The measured targets. `create` is the function of `module` that creates the middleware. Only that module is loaded in the target's
 * process. `token` is the kind of token that clients send, and `hosts` lists the servers that can use the middleware.
 */
const everywhere = ['express', 'http'];
const onExpress = ['express'];

export const targets = [
  handWritten('no-op middleware', 'noop', { protects: false }),
  handWritten('hand-written floor: hash, get, exp, attach', 'floor'),
  handWritten('hand-written, with single flight', 'singleFlight', { introspects: true }),
  library('this library, cached', 'cached', { introspects: true }),
  library('this library, cached, audience and scope guard', 'cachedAndGuarded'),
  library('this library, cache off', 'uncached', { introspects: true, misses: true }),
  handWritten('undici Pool.request for each request', 'poolRequest', { introspects: true, misses: true }),
  alternative('oauth4webapi, uncached', 'oauth4webapiUncached', { introspects: true, misses: true }),
  alternative('token-introspection, uncached', 'tokenIntrospectionUncached', { introspects: true, misses: true }),
  alternative('token-introspection behind a Map', 'tokenIntrospectionInMap', { introspects: true }),
  alternative('express-oauth2-jwt-bearer, RS256', 'expressOauth2JwtBearer', { token: 'RS256' }),
  alternative('express-oauth2-jwt-bearer, ES256', 'expressOauth2JwtBearer', { token: 'ES256' }),
  alternative('express-jwt, RS256', 'expressJwt', { token: 'RS256' }),
  alternative('passport-http-bearer with a Map', 'passportHttpBearer'),
  alternative('MCP SDK requireBearerAuth with a Map', 'mcpBearerAuth'),
];

function handWritten(name, create, options) {
  return target(name, 'hand-written', create, everywhere, options);
}

function library(name, create, options) {
  return target(name, 'library', create, everywhere, options);
}

function alternative(name, create, options) {
  return target(name, 'alternatives', create, onExpress, options);
}

function target(name, module, create, hosts, options = {}) {
  return {
    name,
    module,
    create,
    hosts,
    token: 'opaque',
    protects: true,
    introspects: false,
    misses: false,
    ...options,
  };
}
