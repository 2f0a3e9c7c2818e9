/**
 * The measured targets. `create` is the function of `module` that creates the middleware. `token` is the kind of token that clients send.
 * Each target belongs to a group, and is compared with the baseline of its group. `onExpress` marks middlewares that only Express can use.
 */
const HAND_WRITTEN = 'hand-written, with single flight';
const POOL_REQUEST = 'undici Pool.request for each request';
const CACHED = 'this library, cached';

/** Names of the baselines by group. */
export const BASELINES = { hit: HAND_WRITTEN, miss: POOL_REQUEST, peers: CACHED };

export const GROUPS = Object.keys(BASELINES);

export const NOOP = 'no-op middleware';

export const targets = [
  handWritten(NOOP, 'noop', { group: 'hit', protects: false }),
  handWritten('hand-written floor: hash, get, exp, attach', 'floor', { group: 'hit' }),
  handWritten(HAND_WRITTEN, 'singleFlight', { group: 'hit', introspects: true }),
  library(CACHED, 'cached', { group: 'hit', introspects: true }),
  library('this library, cached, audience and scope guard', 'cachedAndGuarded', { group: 'hit' }),
  handWritten(POOL_REQUEST, 'poolRequest', { group: 'miss', introspects: true }),
  library('this library, cache off', 'uncached', { group: 'miss', introspects: true }),
  alternative('oauth4webapi, uncached', 'oauth4webapiUncached', { group: 'miss', introspects: true }),
  alternative('token-introspection, uncached', 'tokenIntrospectionUncached', { group: 'miss', introspects: true }),
  alternative('token-introspection behind a Map', 'tokenIntrospectionInMap', { introspects: true }),
  alternative('express-oauth2-jwt-bearer, RS256', 'expressOauth2JwtBearer', { token: 'RS256', onExpress: true }),
  alternative('express-oauth2-jwt-bearer, ES256', 'expressOauth2JwtBearer', { token: 'ES256', onExpress: true }),
  alternative('express-jwt, RS256', 'expressJwt', { token: 'RS256' }),
  alternative('passport-http-bearer with a Map', 'passportHttpBearer'),
  alternative('MCP SDK requireBearerAuth with a Map', 'mcpBearerAuth', { onExpress: true }),
];

/** The targets of some groups, each group with its baseline. */
export function targetsOf(groups) {
  const baselines = groups.map((group) => BASELINES[group]);
  return targets.filter(({ name, group }) => groups.includes(group) || baselines.includes(name));
}

function handWritten(name, create, options) {
  return target(name, 'hand-written', create, options);
}

function library(name, create, options) {
  return target(name, 'library', create, options);
}

function alternative(name, create, options) {
  return target(name, 'alternatives', create, { group: 'peers', ...options });
}

function target(name, module, create, options) {
  return { name, module, create, token: 'opaque', protects: true, introspects: false, onExpress: false, ...options };
}
