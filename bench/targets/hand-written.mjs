import { hash } from 'node:crypto';
import { LRUCache, Pool } from '../packages.mjs';

const MAX_ENTRIES = 10_000;
const TTL_MS = 60_000;

/** Does nothing, to measure the cost of calling a middleware. */
export function noop() {
  return (_req, _res, next) => next();
}

/**
 * The minimum of a cached introspection: hash, get, compare `exp`, attach. It checks nothing else, not even the scheme, and concurrent
 * requests are not joined. A miss sends a plain introspection request.
 */
export function floor(context) {
  const cache = new LRUCache({ max: MAX_ENTRIES });
  const introspect = createIntrospect(context);
  return (req, res, next) => {
    const token = req.headers.authorization?.slice(7);
    if (token === undefined) return reject(res);
    const key = hash('sha256', token, 'base64url');
    const claims = cache.get(key);
    if (claims !== undefined && Date.now() < claims.exp * 1000) {
      req.auth = { ...claims };
      return next();
    }
    introspect(token).then((response) => {
      if (!response.active) return reject(res);
      cache.set(key, response);
      req.auth = { ...response };
      next();
    }, next);
  };
}

/** A realistic version of it, with a lifetime and one introspection request for all concurrent requests with a token. */
export function singleFlight(context) {
  const cache = new LRUCache({ max: MAX_ENTRIES });
  const pending = new Map();
  const introspect = createIntrospect(context);

  function lookup(token) {
    const key = hash('sha256', token, 'base64url');
    const entry = cache.get(key);
    if (entry !== undefined && Date.now() < entry.until) return entry.claims;
    const request =
      pending.get(key) ??
      introspect(token)
        .then((claims) => {
          cache.set(key, {
            claims,
            until: Math.min(Date.now() + TTL_MS, claims.active ? claims.exp * 1000 : Infinity),
          });
          return claims;
        })
        .finally(() => pending.delete(key));
    pending.set(key, request);
    return request;
  }

  return (req, res, next) => {
    const header = req.headers.authorization;
    if (header === undefined || !header.startsWith('Bearer ')) return reject(res);
    const attach = (claims) => {
      if (!claims.active) return reject(res);
      req.auth = { ...claims };
      next();
    };
    const found = lookup(header.slice(7));
    if (found instanceof Promise) found.then(attach, next);
    else attach(found);
  };
}

/** Sends an introspection request for each request, and does nothing else. */
export function poolRequest(context) {
  const introspect = createIntrospect(context);
  return (req, res, next) => {
    const token = req.headers.authorization?.slice(7);
    if (token === undefined) return reject(res);
    introspect(token).then((claims) => {
      if (!claims.active) return reject(res);
      req.auth = claims;
      next();
    }, next);
  };
}

function createIntrospect({ endpoint, clientId, clientSecret }) {
  const { origin, pathname: path } = new URL(endpoint);
  const pool = new Pool(origin, { connections: 64 });
  const headers = {
    authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  };
  return async (token) => {
    const body = `token=${encodeURIComponent(token)}`;
    const response = await pool.request({ path, method: 'POST', headers, body });
    return response.body.json();
  };
}

function reject(res) {
  res.statusCode = 401;
  res.end();
}
