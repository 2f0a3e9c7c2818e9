import { bearer, errorCode, finding, type ProbeCase, REJECTED, rejects, skipped } from '../probe-case.js';

const EXACT = 'Compare tokens byte for byte. Do not change their case, and remove nothing at their end.';

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

const FAR_FUTURE_SECONDS = 4_102_444_800;

/** The token with letters in the other case. */
function inOtherCase(token: string): string {
  return token.replace(/[A-Za-z]/g, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
}

/** The claims of a JWT without its signature, or claims of our own. */
function unsigned(token: string | undefined): string {
  const [, claims, signature] = token?.split('.') ?? [];
  const own = encode({ sub: 'probe', scope: 'admin', exp: FAR_FUTURE_SECONDS });
  return `${encode({ typ: 'at+jwt', alg: 'none' })}.${signature === undefined ? own : claims}.`;
}

/** Tokens that no server has issued. */
export const UNKNOWN_TOKEN: readonly ProbeCase[] = [
  {
    id: 'unknown-token',
    title: 'A token that nobody issued',
    section: 'RFC 6750 section 3.1',
    rule: 'An invalid token gets 401. 403 and 404 do not tell the client to get another one.',
    remedy: 'Answer 401 with error="invalid_token". With 503, look at the authorization server: it cannot be asked.',
    run: rejects(({ unknownToken }) => bearer(unknownToken), [401]),
  },
  {
    id: 'unknown-token-error',
    title: 'Error code for an invalid token',
    section: 'RFC 6750 section 3.1',
    rule: 'The challenge has error="invalid_token". MCP clients and others look for it to get a new token.',
    remedy: 'Add error="invalid_token" to the challenge, and keep WWW-Authenticate in your error handling.',
    async run({ send, unknownToken }) {
      const response = await send(bearer(unknownToken));
      return finding(response, errorCode(response) === 'invalid_token');
    },
  },
  {
    id: 'no-echo',
    title: 'The token in the response',
    section: 'RFC 6750 section 5.3',
    rule: 'A rejected token does not appear in the response, because logs and error pages keep it.',
    remedy: 'Leave the token out of error messages.',
    async run({ send, unknownToken }) {
      const response = await send(bearer(unknownToken));
      const isShown = `${response.header('www-authenticate')}${response.body}`.includes(unknownToken);
      return finding(response, !isShown, isShown ? 'the response holds the token' : 'the response does not hold it');
    },
  },
  {
    id: 'no-stack',
    title: 'Details in the response',
    section: 'RFC 9110 section 17.10',
    rule: 'A response to a rejected request shows no stack and no file of the server.',
    remedy: 'Set NODE_ENV=production, or add an error handler of your own.',
    async run({ send, unknownToken }) {
      const responses = [await send({}), await send(bearer(unknownToken)), await send(bearer('probe<{}>\\'))];
      const shown = responses.find(({ body }) => /\n\s*at .+:\d+:\d+|node_modules|Traceback/.test(body));
      const note = shown === undefined ? 'no stack' : `${shown.status} with a stack in the body`;
      return finding(responses[0] as (typeof responses)[0], shown === undefined, note);
    },
  },
  {
    id: 'unsigned-jwt',
    title: 'A JWT without a signature',
    section: 'RFC 8725 section 3.2',
    rule: 'A JWT with the algorithm none is invalid, whatever its claims are.',
    remedy: 'Allow a list of algorithms, without none. Verify the signature before you read a claim.',
    run: rejects(({ token }) => bearer(unsigned(token))),
  },
  {
    id: 'other-case',
    title: 'The accepted token in the other case',
    section: 'RFC 6750 section 2.1',
    rule: 'Tokens distinguish upper and lower case.',
    remedy: EXACT,
    needs: 'token',
    async run({ send, token = '' }) {
      const changed = inOtherCase(token);
      if (changed === token) return skipped('the token has no letters');
      const response = await send(bearer(changed));
      return finding(response, REJECTED.includes(response.status));
    },
  },
  {
    id: 'longer-token',
    title: 'The accepted token with one more character',
    section: 'RFC 6750 section 2.1',
    rule: 'Another text is another token.',
    remedy: EXACT,
    needs: 'token',
    run: rejects(({ token }) => bearer(`${token?.replace(/=+$/, '')}x`)),
  },
  {
    id: 'shorter-token',
    title: 'The accepted token without its last character',
    section: 'RFC 6750 section 2.1',
    rule: 'Another text is another token.',
    remedy: EXACT,
    needs: 'token',
    run: rejects(({ token }) => bearer(token?.replace(/.=*$/, '') ?? '')),
  },
];
