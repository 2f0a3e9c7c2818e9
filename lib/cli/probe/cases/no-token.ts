import { errorCode, finding, hasScheme, type ProbeCase, rejects, skipped, staysClosed } from '../probe-case.js';

const PROTECT = 'Put the middleware before every handler of this URL.';

/** Requests without a token. */
export const NO_TOKEN: readonly ProbeCase[] = [
  {
    id: 'no-token',
    title: 'No token',
    section: 'RFC 6750 section 3',
    rule: 'A request without credentials gets 401. A redirect or another status tells the client nothing.',
    remedy: `${PROTECT} If a proxy redirects to a login page, exempt this API.`,
    run: rejects(() => ({}), [401]),
  },
  {
    id: 'no-token-challenge',
    title: 'Challenge for a request without a token',
    section: 'RFC 9110 section 11.6.1',
    rule: 'A 401 has WWW-Authenticate, and an API for access tokens names the scheme Bearer or DPoP in it.',
    remedy: 'Send WWW-Authenticate with 401, and let your error handling and proxies keep it.',
    async run({ send }) {
      const response = await send({});
      return finding(response, hasScheme(response, 'bearer', 'dpop'));
    },
  },
  {
    id: 'no-token-no-error',
    title: 'No error code without a token',
    section: 'RFC 6750 section 3.1',
    rule: 'The challenge has no error code if the request has no credentials, because the client made no mistake.',
    remedy: 'Leave error and error_description out of the challenge if there is no Authorization header.',
    async run({ send }) {
      const response = await send({});
      return finding(response, errorCode(response) === undefined);
    },
  },
  {
    id: 'challenge-grammar',
    title: 'Grammar of the challenge',
    section: 'RFC 9110 section 11.6.1',
    rule: 'A challenge is a scheme and parameters, each once, separated by commas, with quoted texts.',
    remedy: 'Write the challenge as Bearer realm="api", error="invalid_token". Quote each value, and name it once.',
    async run({ send, unknownToken }) {
      const responses = [await send({}), await send({ headers: { Authorization: `Bearer ${unknownToken}` } })];
      const malformed = responses.find(({ challenges }) => challenges === undefined);
      return finding(malformed ?? (responses[1] as (typeof responses)[0]), malformed === undefined);
    },
  },
  {
    id: 'no-token-not-cacheable',
    title: 'Caching of the 401',
    section: 'RFC 9111 section 3',
    rule: 'A 401 that allows caches to store it locks out clients that send a token later.',
    remedy: 'Send Cache-Control: no-store with 401. Look for a proxy that adds max-age to every response.',
    async run({ send }) {
      const response = await send({});
      const control = response.header('cache-control');
      const isStored = /\bpublic\b|\b(?:s-maxage|max-age)\s*=\s*"?[1-9]/i.test(control ?? '');
      return finding(response, !isStored || /\bno-store\b/i.test(control ?? ''), `Cache-Control: ${control ?? 'none'}`);
    },
  },
  {
    id: 'head-no-token',
    title: 'HEAD without a token',
    section: 'RFC 9110 section 9.3.2',
    rule: 'HEAD gets the status of GET. It must not be open if GET is protected.',
    remedy: `${PROTECT} Do not mount it for GET only.`,
    run: rejects(() => ({ method: 'HEAD' }), [401, 405]),
  },
  {
    id: 'empty-authorization',
    title: 'Empty Authorization header',
    section: 'RFC 9110 section 11.4',
    rule: 'An empty header holds no credentials, so the request is rejected.',
    remedy: 'Treat an empty Authorization header like none.',
    run: rejects(() => ({ headers: { Authorization: '' } })),
  },
  {
    id: 'other-scheme',
    title: 'Authorization with the scheme Basic',
    section: 'RFC 6750 section 2.1',
    rule: 'Credentials of another scheme are no access token, so the request gets 401.',
    remedy: 'Accept only the schemes Bearer and DPoP. Look for another authentication that is mounted before.',
    run: rejects(() => ({ headers: { Authorization: 'Basic cHJvYmU6cHJvYmU=' } })),
  },
  {
    id: 'identity-headers',
    title: 'Headers that name a user',
    section: 'RFC 9700 section 2.2',
    rule: 'Clients can invent every header, so X-Forwarded-User and similar ones authenticate nobody.',
    remedy: 'Do not read the user from a header, or let your proxy remove it from requests of clients.',
    run: rejects(
      () => ({
        headers: {
          'X-Forwarded-User': 'admin',
          'X-Remote-User': 'admin',
          'X-User-Id': '1',
          'X-Auth-Request-User': 'admin',
        },
      }),
      [401],
    ),
  },
  {
    id: 'rewritten-url',
    title: 'Headers that name another URL or method',
    section: 'RFC 9110 section 17.1',
    rule: 'X-Original-URL, X-Rewrite-URL and X-HTTP-Method-Override of a client must not go around the protection.',
    remedy: 'Remove these headers in the proxy, and do not let a framework follow them.',
    run: rejects(
      () => ({ headers: { 'X-Original-URL': '/', 'X-Rewrite-URL': '/', 'X-HTTP-Method-Override': 'OPTIONS' } }),
      [401],
    ),
  },
  {
    id: 'path-slash',
    title: 'Path with a slash at the end',
    section: 'RFC 3986 section 6',
    rule: 'A spelling of the path that reaches the same handler needs a token too.',
    remedy: `${PROTECT} Compare how proxy and framework read paths.`,
    run: staysClosed(({ url }) => ({ target: `${url.pathname}/${url.search}` })),
  },
  {
    id: 'path-case',
    title: 'Path in upper case',
    section: 'RFC 3986 section 6',
    rule: 'Express ignores the case of paths by default. If a proxy protects only one spelling, the other is open.',
    remedy: `${PROTECT} Protect the API in the app, not by the path in a proxy.`,
    run: staysClosed(({ url }) => {
      const target = url.pathname.toUpperCase();
      return target === url.pathname ? undefined : { target: target + url.search };
    }),
  },
  {
    id: 'path-encoded',
    title: 'Path with an encoded letter',
    section: 'RFC 3986 section 6.2.2.2',
    rule: 'An encoded letter means the same as the letter, so it needs a token too.',
    remedy: `${PROTECT} Let proxy and framework decode paths in the same way.`,
    run: staysClosed(({ url }) => {
      const target = url.pathname.replace(/[A-Za-z](?=[^/]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
      return target === url.pathname ? undefined : { target: target + url.search };
    }),
  },
  {
    id: 'path-double-slash',
    title: 'Path with two slashes at the beginning',
    section: 'RFC 3986 section 6',
    rule: 'Some servers read two slashes as one. The handler that is reached needs a token too.',
    remedy: `${PROTECT} Let the proxy merge slashes, or reject such paths.`,
    run: staysClosed(({ url }) => ({ target: `/${url.pathname}${url.search}` })),
  },
  {
    id: 'no-token-after-token',
    title: 'No token, after a request with one',
    section: 'RFC 9111 section 3.5',
    rule: 'A response to a token is not given to a request without one, by no cache and no session.',
    remedy: 'Let no shared cache store responses to requests with Authorization. Add Vary: Authorization if in doubt.',
    needs: 'token',
    async run({ send, token = '' }) {
      const accepted = await send({ headers: { Authorization: `Bearer ${token}` } });
      if (accepted.status === 401) return skipped('the token is not accepted');
      const response = await send({}, true);
      return finding(response, response.status === 401);
    },
  },
];
