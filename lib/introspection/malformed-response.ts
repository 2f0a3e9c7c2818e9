/** Violations of HTTP, as undici reports them. Each `fault` is a fixed text, and contains nothing of the response. */
const FAULTS: readonly (readonly [name: string, message: RegExp, fault: string])[] = [
  // Our requests have no `Expect` header, so they ask for no 100 (RFC 9110 section 10.1.1).
  ['SocketError', /^bad response$/, 'unasked 100 Continue'],
  ['SocketError', /^bad upgrade$/, 'unasked 101 Switching Protocols'],
  // RFC 9112 section 5.2.
  ['HTTPParserError', /Unexpected whitespace after header value/, 'folded header line'],
  ['HTTPParserError', /^/, 'malformed HTTP'],
];

/**
 * Returns the violation of HTTP that an error reports, or `undefined` for any other error. After a violation there is no retry, because it
 * would bring the same response.
 */
export function faultOfResponse(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  return FAULTS.find(([errorName, pattern]) => errorName === name && pattern.test(message))?.[2];
}
