import {
  bearer,
  errorCode,
  type Finding,
  finding,
  hasScheme,
  isSuccess,
  type ProbeCase,
  type ProbeContext,
  parameter,
  skipped,
} from '../probe-case.js';
import type { ProbeRequest, ProbeResponse } from '../send.js';

const ONLY_DPOP = 'the API accepts only tokens that are bound to a key (DPoP)';

const withScheme = (scheme: string) => (token: string) => ({ headers: { Authorization: `${scheme} ${token}` } });

/** Sends the accepted token in another way. The response must have the status of a plain request with it. */
function acceptsToo(request: (token: string, context: ProbeContext) => ProbeRequest): ProbeCase['run'] {
  return async (context) => {
    const { send, token = '' } = context;
    const plain = await send(bearer(token));
    if (!isSuccess(plain)) return skipped('the token is not accepted');
    const response = await send(request(token, context));
    return finding(response, response.status === plain.status);
  };
}

/** Whether the API rejects plain tokens, as the challenge says. */
function requiresProof(response: ProbeResponse): boolean {
  return hasScheme(response, 'dpop') && !hasScheme(response, 'bearer');
}

/** Sends the token without the scope. */
function forNarrowToken(read: (response: ProbeResponse) => Finding): ProbeCase['run'] {
  return async ({ send, narrowToken = '' }) => {
    const response = await send(bearer(narrowToken));
    return requiresProof(response) ? skipped(ONLY_DPOP) : read(response);
  };
}

/** Requests with tokens that the authorization server has issued. */
export const ACCEPTED: readonly ProbeCase[] = [
  {
    id: 'token',
    title: 'The token',
    section: 'RFC 6750 section 2.1',
    rule: 'A request with an accepted token reaches the handler.',
    remedy:
      'Give a token that this URL accepts. If it should: does the proxy pass Authorization on? npx express-token-introspection check --token says why a token is rejected.',
    needs: 'token',
    async run({ send, token = '' }) {
      const response = await send(bearer(token));
      return requiresProof(response) ? skipped(ONLY_DPOP) : finding(response, isSuccess(response));
    },
  },
  {
    id: 'lower-case-scheme',
    title: 'Scheme in lower case',
    section: 'RFC 9110 section 11.1',
    rule: 'Schemes do not distinguish upper and lower case.',
    remedy: 'Compare the scheme without its case.',
    needs: 'token',
    run: acceptsToo(withScheme('bearer')),
  },
  {
    id: 'upper-case-scheme',
    title: 'Scheme in upper case',
    section: 'RFC 9110 section 11.1',
    rule: 'Schemes do not distinguish upper and lower case.',
    remedy: 'Compare the scheme without its case.',
    needs: 'token',
    run: acceptsToo(withScheme('BEARER')),
  },
  {
    id: 'head-token',
    title: 'HEAD with the token',
    section: 'RFC 9110 section 9.3.2',
    rule: 'HEAD gets the status of GET.',
    remedy: 'Handle HEAD like GET. Express does so for app.get().',
    needs: 'token',
    run: acceptsToo((token) => ({ ...bearer(token), method: 'HEAD' })),
  },
  {
    id: 'header-wins',
    title: 'The token in the header, another in the query',
    section: 'RFC 6750 section 2',
    rule: 'A token in the query is ignored, or two tokens are rejected with 400. It never replaces the header.',
    remedy: 'Read the token from Authorization only.',
    needs: 'token',
    async run({ send, url, token = '', unknownToken }) {
      const plain = await send(bearer(token));
      if (!isSuccess(plain)) return skipped('the token is not accepted');
      const response = await send({ ...bearer(token), target: withQuery(url, unknownToken) });
      return finding(response, response.status === plain.status || response.status === 400);
    },
  },
  {
    id: 'private-response',
    title: 'Caching of a response to the token',
    section: 'RFC 9111 section 3.5',
    rule: 'public and s-maxage let shared caches give a response for one token to everybody.',
    remedy: 'Send Cache-Control: private or no-store with responses that depend on the token.',
    needs: 'token',
    async run({ send, token = '' }) {
      const response = await send(bearer(token));
      if (!isSuccess(response)) return skipped('the token is not accepted');
      const control = response.header('cache-control') ?? 'none';
      return finding(response, !/\b(?:public|s-maxage)\b/i.test(control), `Cache-Control: ${control}`);
    },
  },
  {
    id: 'token-no-echo',
    title: 'The accepted token in the response',
    section: 'RFC 6750 section 5.3',
    rule: 'A response does not repeat the token.',
    remedy: 'Leave the token out of responses.',
    needs: 'token',
    async run({ send, token = '' }) {
      const response = await send(bearer(token));
      const isShown = response.body.includes(token);
      return finding(response, !isShown, isShown ? 'the response holds the token' : 'the response does not hold it');
    },
  },
  {
    id: 'narrow-token',
    title: 'A token without the scope',
    section: 'RFC 6750 section 3.1',
    rule: 'A valid token that lacks a scope gets 403. With 401, the client would try for ever to get a better token.',
    remedy: 'Answer 403 with error="insufficient_scope". Require the scope of the route: requireScope().',
    needs: 'narrowToken',
    run: forNarrowToken((response) => finding(response, response.status === 403)),
  },
  {
    id: 'narrow-token-error',
    title: 'Error code for a missing scope',
    section: 'RFC 6750 section 3.1',
    rule: 'The challenge has error="insufficient_scope".',
    remedy: 'Send WWW-Authenticate with 403 too.',
    needs: 'narrowToken',
    run: forNarrowToken((response) => {
      if (isSuccess(response)) return skipped('the token is accepted');
      return finding(response, errorCode(response) === 'insufficient_scope');
    }),
  },
  {
    id: 'narrow-token-scope',
    title: 'Name of the missing scope',
    section: 'RFC 6750 section 3',
    rule: 'The challenge can name the scope that is required. MCP clients ask the user for it.',
    remedy: 'Add scope="…" to the challenge of a 403.',
    needs: 'narrowToken',
    run: forNarrowToken((response) => {
      if (isSuccess(response)) return skipped('the token is accepted');
      return finding(response, (parameter(response, 'scope') ?? '') !== '');
    }),
  },
];

/** Path and query of the URL, with `access_token` added. */
export function withQuery(url: URL, token: string): string {
  return `${url.pathname}${url.search === '' ? '?' : `${url.search}&`}access_token=${token}`;
}
