import { errorCode, finding, type ProbeCase, skipped } from '../probe-case.js';
import type { ProbeRequest } from '../send.js';
import { withQuery } from './accepted.js';

/**
 * Sends an unknown token outside the header. If the API ignores it, the response is that for no token. The accepted token is not used,
 * because logs would keep it.
 */
function ignores(request: (token: string, url: URL) => ProbeRequest): ProbeCase['run'] {
  return async ({ send, url, unknownToken }) => {
    const none = await send({});
    if (none.status !== 401 || errorCode(none) !== undefined) {
      return skipped('the API does not tell a wrong token from none');
    }
    const response = await send(request(unknownToken, url));
    return finding(response, response.status === none.status && errorCode(response) === undefined);
  };
}

const ONLY_HEADER = 'Read the token from Authorization only.';

/** Tokens in other places than the header. */
export const ELSEWHERE: readonly ProbeCase[] = [
  {
    id: 'query',
    title: 'Token in the query',
    section: 'RFC 9700 section 4.3.2',
    rule: 'A token in a URL is ignored, because logs, histories and Referer headers keep URLs.',
    remedy: ONLY_HEADER,
    run: ignores((token, url) => ({ target: withQuery(url, token) })),
  },
  {
    id: 'form-with-get',
    title: 'Token in a form, with GET',
    section: 'RFC 6750 section 2.2',
    rule: 'A form with a token must not be sent with GET, because GET gives a body no meaning.',
    remedy: `${ONLY_HEADER} If you accept forms, then only with POST, PUT and PATCH.`,
    run: ignores((token) => ({
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `access_token=${token}`,
    })),
  },
  {
    id: 'cookie',
    title: 'Token in a cookie',
    section: 'RFC 6750 section 5.3',
    rule: 'Browsers send cookies with requests of other sites, so an API for access tokens ignores them.',
    remedy: `${ONLY_HEADER} If you need cookies, add a protection against cross-site request forgery.`,
    run: ignores((token) => ({ headers: { Cookie: `access_token=${token}; token=${token}` } })),
  },
  {
    id: 'other-header',
    title: 'Token in another header',
    section: 'RFC 6750 section 2.1',
    rule: 'A token in X-Access-Token, X-Forwarded-Authorization or X-Original-Authorization is ignored.',
    remedy: ONLY_HEADER,
    run: ignores((token) => ({
      headers: {
        'X-Access-Token': token,
        'X-Forwarded-Authorization': `Bearer ${token}`,
        'X-Original-Authorization': `Bearer ${token}`,
      },
    })),
  },
];
