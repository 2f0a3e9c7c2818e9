import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Tokens of the API below. The second lacks its scope. */
export const TOKEN = 'mF_9.B5f-4.1JqMx';
export const NARROW_TOKEN = 'narrow-2YotnFZFEjr1zCsi';

const ORIGIN = 'https://probe.example';
const B64TOKEN = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** A fault of the API. Its name is what the API does. */
export type Fault = (typeof FAULTS)[number][0];

/** Every fault, and the case of the probe that is meant to find it. */
export const FAULTS = [
  ['lets requests without a token through', 'no-token'],
  ['redirects to a login page', 'no-token'],
  ['sends 403 without a token', 'no-token'],
  ['sends 401 without a challenge', 'no-token-challenge'],
  ['challenges with Basic', 'no-token-challenge'],
  ['sends an error code without a token', 'no-token-no-error'],
  ['quotes no text with spaces', 'challenge-grammar'],
  ['names a parameter twice', 'challenge-grammar'],
  ['lets caches store the 401', 'no-token-not-cacheable'],
  ['protects GET and not HEAD', 'head-no-token'],
  ['lets an empty header through', 'empty-authorization'],
  ['accepts Basic', 'other-scheme'],
  ['trusts X-Forwarded-User', 'identity-headers'],
  ['follows X-HTTP-Method-Override', 'rewritten-url'],
  ['follows X-Original-URL', 'rewritten-url'],
  ['protects no path with a slash at the end', 'path-slash'],
  ['protects no path in upper case', 'path-case'],
  ['protects no encoded path', 'path-encoded'],
  ['protects no path with two slashes', 'path-double-slash'],
  ['remembers the last token', 'no-token-after-token'],
  ['fails without a token after Bearer', 'scheme-only'],
  ['reads the first of two words', 'two-words'],
  ['reads the first of a list', 'comma'],
  ['removes quotation marks', 'quoted'],
  ['needs no space after Bearer', 'no-space'],
  ['needs no scheme', 'no-scheme'],
  ['reads a parameter', 'named-token'],
  ['fails for bad characters', 'bad-characters'],
  ['fails for bytes outside ASCII', 'non-ascii'],
  ['fails for long tokens', 'long-token'],
  ['ignores a second header with the same token', 'two-headers'],
  ['reads the last header', 'two-headers-unknown-first'],
  ['reads the first header', 'two-headers-unknown-last'],
  ['looks for Bearer among the headers', 'basic-and-bearer'],
  ['calls a malformed request an invalid token', 'malformed-error-code'],
  ['sends 403 for an invalid token', 'unknown-token'],
  ['is down for an invalid token', 'unknown-token'],
  ['sends no error code for an invalid token', 'unknown-token-error'],
  ['repeats an invalid token', 'no-echo'],
  ['shows its stack', 'no-stack'],
  ['accepts JWTs without a signature', 'unsigned-jwt'],
  ['ignores the case of tokens', 'other-case'],
  ['compares only the beginning of tokens', 'longer-token'],
  ['accepts the beginning of a token', 'shorter-token'],
  ['rejects every token', 'token'],
  ['requires Bearer with a capital letter', 'lower-case-scheme'],
  ['knows no upper case', 'upper-case-scheme'],
  ['knows no HEAD', 'head-token'],
  ['prefers the query to the header', 'header-wins'],
  ['lets shared caches store responses', 'private-response'],
  ['repeats the token', 'token-no-echo'],
  ['sends 401 for a missing scope', 'narrow-token'],
  ['requires no scope', 'narrow-token'],
  ['sends 403 without a challenge', 'narrow-token-error'],
  ['does not name the scope', 'narrow-token-scope'],
  ['reads the query', 'query'],
  ['reads a form with GET', 'form-with-get'],
  ['reads a cookie', 'cookie'],
  ['reads another header', 'other-header'],
  ['challenges preflights', 'preflight'],
  ['allows all headers by an asterisk', 'preflight-authorization'],
  ['rejects without CORS', 'cors-rejection'],
  ['hides its challenge from scripts', 'cors-challenge'],
  ['allows every origin with cookies', 'cors-credentials'],
  ['takes GET for a preflight', 'preflight-header-with-get'],
  ['names relative metadata', 'metadata-url'],
  ['protects its metadata', 'metadata'],
  ['serves its metadata as a page', 'metadata'],
  ['names the resource of its inner host', 'metadata-resource'],
  ['reads DPoP like Bearer', 'dpop-without-proof'],
  ['accepts the proof of any key', 'dpop-other-key'],
  ['names no algorithms', 'dpop-algorithms'],
  ['accepts two proofs', 'dpop-two-proofs'],
] as const;

export interface ProbedApi {
  readonly url: string;
  /** Number of requests that arrived. */
  requests(): number;
}

interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

/** A small API that does all as the specifications say, except for one fault. It is closed after the test. */
export async function createProbedApi(
  fault?: Fault,
  script?: (req: IncomingMessage) => Reply | undefined,
): Promise<ProbedApi> {
  const has = (name: Fault) => name === fault;
  let count = 0;
  let isRemembered = false;
  const server = createServer({ maxHeaderSize: 32_768 }, async (req, res) => {
    count++;
    let body = '';
    for await (const chunk of req) body += String(chunk);
    respond(req, res, script?.(req) ?? handle(req, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  open.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `${origin}/reports`, requests: () => count };

  function respond(req: IncomingMessage, res: ServerResponse, { status, headers = {}, body = '' }: Reply): void {
    const isRejected = status === 401 || status === 403;
    if (req.headers.origin === ORIGIN && !(has('rejects without CORS') && isRejected)) {
      const isOpen = has('allows every origin with cookies');
      res.setHeader('Access-Control-Allow-Origin', isOpen ? ORIGIN : '*');
      if (isOpen) res.setHeader('Access-Control-Allow-Credentials', 'true');
      if (!has('hides its challenge from scripts')) res.setHeader('Access-Control-Expose-Headers', 'WWW-Authenticate');
    }
    res.writeHead(status, headers);
    res.end(req.method === 'HEAD' ? undefined : body);
  }

  function handle(req: IncomingMessage, body: string): Reply {
    const { method, headers } = req;
    const [path = '', query = ''] = (req.url ?? '').split('?');
    if (path === '/.well-known/oauth-protected-resource/reports') return metadata();
    const isPreflight = headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
    if (isPreflight && (method === 'OPTIONS' || has('takes GET for a preflight')) && !has('challenges preflights')) {
      const allowed = has('allows all headers by an asterisk') ? '*' : 'Authorization';
      return { status: 204, headers: { 'Access-Control-Allow-Headers': allowed } };
    }
    if (has('follows X-HTTP-Method-Override') && headers['x-http-method-override'] === 'OPTIONS') return accepted('');
    if (has('follows X-Original-URL') && headers['x-original-url'] !== undefined) return accepted('');
    if (path !== '/reports') return { status: isOpenPath(path) ? 200 : 404 };
    if (has('trusts X-Forwarded-User') && headers['x-forwarded-user'] !== undefined) return accepted('');
    if (method === 'HEAD' && has('protects GET and not HEAD')) return accepted('');
    if (method === 'HEAD' && has('knows no HEAD')) return { status: 405 };
    const elsewhere = [
      has('reads the query') || has('prefers the query to the header') ? query : undefined,
      has('reads a form with GET') ? body : undefined,
      has('reads a cookie') ? headers.cookie : undefined,
      has('reads another header') ? `access_token=${String(headers['x-access-token'] ?? '')}` : undefined,
    ].map((text) => /access_token=([^;&]+)/.exec(text ?? '')?.[1]);
    const found = elsewhere.find((token) => token !== undefined && token !== '');
    if (found !== undefined) return authenticate(found);
    return readHeader(req);
  }

  function isOpenPath(path: string): boolean {
    return (
      (has('protects no path with a slash at the end') && path === '/reports/') ||
      (has('protects no path in upper case') && path === '/REPORTS') ||
      (has('protects no encoded path') && path === '/%72eports') ||
      (has('protects no path with two slashes') && path === '//reports')
    );
  }

  function readHeader({ rawHeaders }: IncomingMessage): Reply {
    const lines = rawHeaders.filter((_, i) => i % 2 === 1 && /^authorization$/i.test(rawHeaders[i - 1] as string));
    const proofs = rawHeaders.filter((name, i) => i % 2 === 0 && /^dpop$/i.test(name)).length;
    const [first = '', last = first] = lines;
    const isSame = lines.length > 1 && first === last;
    let line = first;
    if (lines.length === 0) return withoutToken();
    if (lines.length > 1) {
      const basic = lines.some((text) => text.startsWith('Basic'));
      if (has('looks for Bearer among the headers') && basic) line = last;
      else if (has('reads the last header') && !basic) line = last;
      else if (
        !(has('reads the first header') && !basic) &&
        !(has('ignores a second header with the same token') && isSame)
      )
        return malformed();
    }
    if (line === '') return has('lets an empty header through') ? accepted('') : withoutToken();
    if (has('requires Bearer with a capital letter') && line.startsWith('bearer')) return malformed();
    if (has('knows no upper case') && line.startsWith('BEARER')) return malformed();
    if (line === 'Bearer' && has('fails without a token after Bearer')) return { status: 500 };
    if (/^DPoP/.test(line)) return readDpop(line, proofs);
    if (/^Basic/.test(line)) return has('accepts Basic') ? accepted('') : withoutToken();
    if (has('fails for bad characters') && line.includes('<')) return { status: 500 };
    if (has('fails for bytes outside ASCII') && /[\x80-\xff]/.test(line)) return { status: 500 };
    if (has('fails for long tokens') && line.length > 5000) return { status: 500 };
    return authenticateLine(line);
  }

  function authenticateLine(line: string): Reply {
    const patterns: readonly (readonly [Fault, RegExp])[] = [
      ['reads the first of two words', /^Bearer (\S+) \w$/],
      ['reads the first of a list', /^Bearer ([^\s,]+),/],
      ['removes quotation marks', /^Bearer "(.+)"$/],
      ['needs no space after Bearer', /^Bearer(\S+)$/],
      ['needs no scheme', /^(\S+)$/],
      ['reads a parameter', /^Bearer token="(.+)"$/],
    ];
    const lenient = patterns.find(([name]) => has(name))?.[1].exec(line)?.[1];
    const token = lenient ?? B64TOKEN.exec(line)?.[1];
    return token === undefined ? malformed() : authenticate(token);
  }

  function readDpop(line: string, proofs: number): Reply {
    const token = line.slice('DPoP '.length);
    if (proofs === 0 && has('reads DPoP like Bearer')) return authenticate(token);
    if (proofs === 1 && has('accepts the proof of any key')) return authenticate(token);
    if (proofs === 2 && has('accepts two proofs')) return authenticate(token);
    return challenge(401, 'invalid_dpop_proof');
  }

  function authenticate(token: string): Reply {
    if (has('accepts JWTs without a signature') && /\.$/.test(token)) return accepted('');
    if (has('ignores the case of tokens') && token.toLowerCase() === TOKEN.toLowerCase()) return accepted(token);
    if (has('compares only the beginning of tokens') && token.startsWith(TOKEN)) return accepted(token);
    if (has('accepts the beginning of a token') && token.length > 9 && TOKEN.startsWith(token)) return accepted(token);
    if (token === TOKEN && !has('rejects every token')) return accepted(token);
    if (token === NARROW_TOKEN) return narrow(token);
    if (has('sends 403 for an invalid token')) return challenge(403, 'invalid_token');
    if (has('is down for an invalid token')) return { status: 503 };
    if (has('sends no error code for an invalid token')) return challenge(401);
    const reply = challenge(401, 'invalid_token');
    return has('repeats an invalid token') ? { ...reply, body: `Invalid token ${token}` } : reply;
  }

  function narrow(token: string): Reply {
    if (has('requires no scope')) return accepted(token);
    if (has('sends 403 without a challenge')) return { status: 403 };
    const scope = has('does not name the scope') ? '' : ', scope="reports:read"';
    return challenge(has('sends 401 for a missing scope') ? 401 : 403, 'insufficient_scope', scope);
  }

  function accepted(token: string): Reply {
    if (has('remembers the last token')) isRemembered = true;
    const control = has('lets shared caches store responses') ? 'public, max-age=60' : 'private';
    return { status: 200, headers: { 'Cache-Control': control }, body: has('repeats the token') ? token : 'Report' };
  }

  function malformed(): Reply {
    const isWrong = has('calls a malformed request an invalid token');
    return challenge(400, isWrong ? 'invalid_token' : 'invalid_request');
  }

  function withoutToken(): Reply {
    if (isRemembered || has('lets requests without a token through')) return accepted('');
    if (has('redirects to a login page')) return { status: 302, headers: { Location: '/login' } };
    if (has('sends 403 without a token')) return challenge(403);
    if (has('sends 401 without a challenge')) return { status: 401 };
    if (has('challenges with Basic')) return { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="api"' } };
    return challenge(401, has('sends an error code without a token') ? 'invalid_token' : undefined);
  }

  function challenge(status: number, error?: string, more = ''): Reply {
    const url = `${has('names relative metadata') ? '' : origin}/.well-known/oauth-protected-resource/reports`;
    const realm = has('quotes no text with spaces') ? 'realm=my api' : 'realm="api"';
    const twice = has('names a parameter twice') ? ', realm="api"' : '';
    const code = error === undefined ? '' : `, error="${error}"`;
    const algorithms = has('names no algorithms') ? '' : ', algs="ES256"';
    const control = has('lets caches store the 401') ? 'public, max-age=60' : 'no-store';
    return {
      status,
      headers: {
        'WWW-Authenticate': `Bearer ${realm}${twice}${code}${more}, resource_metadata="${url}", DPoP realm="api"${algorithms}`,
        'Cache-Control': control,
      },
      body: has('shows its stack') ? 'Error: no\n    at handle (/app/server.js:10:5)' : '',
    };
  }

  function metadata(): Reply {
    if (has('protects its metadata')) return challenge(401);
    const resource = has('names the resource of its inner host')
      ? 'http://reports.internal/reports'
      : `${origin}/reports`;
    const type = has('serves its metadata as a page') ? 'text/html' : 'application/json';
    return { status: 200, headers: { 'Content-Type': type }, body: JSON.stringify({ resource }) };
  }
}
