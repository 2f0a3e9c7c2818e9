/**
 * What is measured. `module` and `create` say which function makes the middleware; only that module is loaded in the
 * target's process. `token` is what its clients present, `hosts` where it can be mounted.
 */
const everywhere = ['express', 'http'];
const onExpress = ['express'];

export const targets = [
  handWritten('no-op middleware', 'noop', { protects: false }),
  handWritten('hand-written floor: hash, get, exp, attach', 'floor'),
  handWritten('hand-written, with single flight', 'singleFlight', { asks: true }),
  library('this library, cached', 'cached', { asks: true }),
  library('this library, cached, audience and scope guard', 'cachedAndGuarded'),
  library('this library, cache off', 'uncached', { asks: true, misses: true }),
  handWritten('undici Pool.request for each request', 'poolRequest', { asks: true, misses: true }),
  alternative('oauth4webapi, uncached', 'oauth4webapiUncached', { asks: true, misses: true }),
  alternative('token-introspection, uncached', 'tokenIntrospectionUncached', { asks: true, misses: true }),
  alternative('token-introspection behind a Map', 'tokenIntrospectionInMap', { asks: true }),
  alternative('express-oauth2-jwt-bearer, RS256', 'expressOauth2JwtBearer', { token: 'RS256' }),
  alternative('express-oauth2-jwt-bearer, ES256', 'expressOauth2JwtBearer', { token: 'ES256' }),
  alternative('express-jwt, RS256', 'expressJwt', { token: 'RS256' }),
  alternative('passport-http-bearer with a Map', 'passportHttpBearer'),
  alternative('MCP SDK requireBearerAuth with a Map', 'mcpBearerAuth'),
];

function handWritten(name, create, more) {
  return target(name, 'hand-written', create, everywhere, more);
}

function library(name, create, more) {
  return target(name, 'library', create, everywhere, more);
}

function alternative(name, create, more) {
  return target(name, 'alternatives', create, onExpress, more);
}

function target(name, module, create, hosts, more = {}) {
  return { name, module, create, hosts, token: 'opaque', protects: true, asks: false, misses: false, ...more };
}
