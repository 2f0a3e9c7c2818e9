import { hash } from 'node:crypto';
import { LRUCache, Pool } from '../packages.mjs';

const MAX_ENTRIES = 10_000;
const TTL_MS = 60_000;

/** Does nothing: what calling a middleware costs. */
export function noop() {
  return (_req, _res, next) => next();
}

/**
 * The least a cached introspection can do: hash, get, compare `exp`, attach. No checks, no scheme, no single flight;
 * misses are filled in beforehand, by a plain call.
 */
export function floor(context) {
  const cache = new LRUCache({ max: MAX_ENTRIES });
  const ask = createAsk(context);
  return (req, res, next) => {
    const token = req.headers.authorization?.slice(7);
    if (token === undefined) return refuse(res);
    const key = hash('sha256', token, 'base64url');
    const claims = cache.get(key);
    if (claims !== undefined && Date.now() < claims.exp * 1000) {
      req.auth = { ...claims };
      return next();
    }
    ask(token).then((answer) => {
      if (!answer.active) return refuse(res);
      cache.set(key, answer);
      req.auth = { ...answer };
      next();
    }, next);
  };
}

/** The same shape as one would ship it: a time to live, and one call for all who wait for the same token. */
export function singleFlight(context) {
  const cache = new LRUCache({ max: MAX_ENTRIES });
  const flights = new Map();
  const ask = createAsk(context);

  function lookup(token) {
    const key = hash('sha256', token, 'base64url');
    const entry = cache.get(key);
    if (entry !== undefined && Date.now() < entry.until) return entry.claims;
    const flight =
      flights.get(key) ??
      ask(token)
        .then((claims) => {
          cache.set(key, {
            claims,
            until: Math.min(Date.now() + TTL_MS, claims.active ? claims.exp * 1000 : Infinity),
          });
          return claims;
        })
        .finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  }

  return (req, res, next) => {
    const header = req.headers.authorization;
    if (header === undefined || !header.startsWith('Bearer ')) return refuse(res);
    const attach = (claims) => {
      if (!claims.active) return refuse(res);
      req.auth = { ...claims };
      next();
    };
    const found = lookup(header.slice(7));
    if (found instanceof Promise) found.then(attach, next);
    else attach(found);
  };
}

/** A call for each request, without anything else. */
export function poolRequest(context) {
  const ask = createAsk(context);
  return (req, res, next) => {
    const token = req.headers.authorization?.slice(7);
    if (token === undefined) return refuse(res);
    ask(token).then((claims) => {
      if (!claims.active) return refuse(res);
      req.auth = claims;
      next();
    }, next);
  };
}

function createAsk({ endpoint, clientId, clientSecret }) {
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

function refuse(res) {
  res.statusCode = 401;
  res.end();
}
