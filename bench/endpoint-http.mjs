import { INVALID } from './tokens.mjs';

/** Reads the token of an introspection request. Calls back without a promise, because it costs less. */
export function readToken(req, onToken) {
  let body = '';
  req.setEncoding('latin1');
  req.on('data', (chunk) => {
    body += chunk;
  });
  req.on('end', () => onToken(new URLSearchParams(body).get('token') ?? INVALID));
}

export function sendJson(res, value) {
  const body = JSON.stringify(value);
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  res.end(body);
}
