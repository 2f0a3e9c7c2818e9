import { bearer, errorCode, finding, type ProbeCase, type ProbeContext, rejects } from '../probe-case.js';

const ONE_TOKEN = 'Match the whole header value against one grammar: Bearer, a space, and one token. Reject all else.';

/** An authorization header with these values, each in a line of its own. */
const lines = (...values: readonly string[]) => ({ headers: { Authorization: values } });

/** The accepted token, or the unknown one if none was given. */
const best = ({ token, unknownToken }: ProbeContext) => token ?? unknownToken;

/** Requests whose credentials cannot be read as exactly one token. */
export const MALFORMED: readonly ProbeCase[] = [
  {
    id: 'scheme-only',
    title: 'The word Bearer without a token',
    section: 'RFC 6750 section 2.1',
    rule: 'Credentials without a token are malformed: 400, or 401.',
    remedy: ONE_TOKEN,
    run: rejects(() => lines('Bearer')),
  },
  {
    id: 'two-words',
    title: 'Two words after Bearer',
    section: 'RFC 6750 section 2.1',
    rule: 'A token has no space, so this is malformed. Neither word may be used as the token.',
    remedy: ONE_TOKEN,
    run: rejects((context) => bearer(`${best(context)} x`)),
  },
  {
    id: 'comma',
    title: 'Two credentials in one line',
    section: 'RFC 9110 section 11.6.2',
    rule: 'Authorization holds one set of credentials, and no list.',
    remedy: ONE_TOKEN,
    run: rejects((context) => bearer(`${best(context)}, Bearer ${context.unknownToken}`)),
  },
  {
    id: 'quoted',
    title: 'Token in quotation marks',
    section: 'RFC 6750 section 2.1',
    rule: 'A token has no quotation marks. A server that removes them reads another token than a proxy does.',
    remedy: ONE_TOKEN,
    run: rejects((context) => bearer(`"${best(context)}"`)),
  },
  {
    id: 'no-space',
    title: 'Bearer and token without a space',
    section: 'RFC 9110 section 11.4',
    rule: 'A space separates the scheme from the token. Without it, this is another scheme.',
    remedy: ONE_TOKEN,
    run: rejects((context) => lines(`Bearer${best(context)}`)),
  },
  {
    id: 'no-scheme',
    title: 'Token without a scheme',
    section: 'RFC 6750 section 2.1',
    rule: 'A token without the word Bearer is not accepted.',
    remedy: ONE_TOKEN,
    run: rejects((context) => lines(best(context))),
  },
  {
    id: 'named-token',
    title: 'Token as a parameter',
    section: 'RFC 6750 section 2.1',
    rule: 'The scheme Bearer has no parameters: Bearer token="…" is malformed.',
    remedy: ONE_TOKEN,
    run: rejects((context) => bearer(`token="${best(context)}"`)),
  },
  {
    id: 'bad-characters',
    title: 'Characters that no token has',
    section: 'RFC 6750 section 2.1',
    rule: 'Such a token is rejected with 400 or 401, and causes no failure.',
    remedy: `${ONE_TOKEN} Do so before you send the token anywhere.`,
    run: rejects(() => bearer('probe<{}>\\')),
  },
  {
    id: 'non-ascii',
    title: 'Bytes outside ASCII',
    section: 'RFC 6750 section 2.1',
    rule: 'Such a token is rejected with 400 or 401, and causes no failure.',
    remedy: `${ONE_TOKEN} Do so before you send the token anywhere.`,
    run: rejects(() => bearer('probe\u00e9\u00ff')),
  },
  {
    id: 'long-token',
    title: 'Token of 6 kB',
    section: 'RFC 6585 section 5',
    rule: 'A long token is rejected with 400, 401 or 431, and causes no failure.',
    remedy: 'Limit the size of headers in the server, and the size of tokens before you look them up.',
    run: rejects(() => bearer('x'.repeat(6_000)), [400, 401, 413, 431]),
  },
  {
    id: 'two-headers',
    title: 'Two Authorization headers with the same token',
    section: 'RFC 6750 section 3.1',
    rule: 'More than one set of credentials is malformed: 400, or 401.',
    remedy: 'Count the Authorization lines of the request. In Node, req.headers hides the second: look in rawHeaders.',
    run: rejects((context) => lines(`Bearer ${best(context)}`, `Bearer ${best(context)}`)),
  },
  {
    id: 'two-headers-unknown-first',
    title: 'Two Authorization headers, the second with an accepted token',
    section: 'RFC 6750 section 3.1',
    rule: 'Proxy and app must not read different tokens, so two headers are rejected whatever they hold.',
    remedy: 'Count the Authorization lines of the request, and reject two. Let the proxy do the same.',
    needs: 'token',
    run: rejects(({ token, unknownToken }) => lines(`Bearer ${unknownToken}`, `Bearer ${token}`)),
  },
  {
    id: 'two-headers-unknown-last',
    title: 'Two Authorization headers, the first with an accepted token',
    section: 'RFC 6750 section 3.1',
    rule: 'Proxy and app must not read different tokens, so two headers are rejected whatever they hold.',
    remedy: 'Count the Authorization lines of the request, and reject two. Let the proxy do the same.',
    needs: 'token',
    run: rejects(({ token, unknownToken }) => lines(`Bearer ${token}`, `Bearer ${unknownToken}`)),
  },
  {
    id: 'basic-and-bearer',
    title: 'Basic in one Authorization header, Bearer in another',
    section: 'RFC 6750 section 3.1',
    rule: 'A request uses one way to authenticate. Two headers are malformed.',
    remedy: 'Count the Authorization lines of the request, of whatever scheme, and reject two.',
    run: rejects((context) => lines('Basic cHJvYmU6cHJvYmU=', `Bearer ${best(context)}`)),
  },
  {
    id: 'malformed-error-code',
    title: 'Error code of a 400',
    section: 'RFC 6750 section 3.1',
    rule: 'invalid_request goes with 400, and invalid_token with 401.',
    remedy: 'Send 400 with error="invalid_request", or 401 with error="invalid_token".',
    async run({ send, unknownToken }) {
      const response = await send(bearer(`${unknownToken} x`));
      const expected = response.status === 400 ? 'invalid_request' : 'invalid_token';
      const code = errorCode(response);
      return finding(response, code === undefined || code === expected);
    },
  },
];
