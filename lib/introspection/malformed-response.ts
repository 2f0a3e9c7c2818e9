/** Replies that break the rules of HTTP, as undici reports them. The names are ours: they hold nothing of the reply. */
const FAULTS: readonly (readonly [name: string, message: RegExp, fault: string])[] = [
  // Nobody sent an `Expect` (RFC 9110 section 10.1.1).
  ['SocketError', /^bad response$/, 'unasked 100 Continue'],
  ['SocketError', /^bad upgrade$/, 'unasked 101 Switching Protocols'],
  // RFC 9112 section 5.2.
  ['HTTPParserError', /Unexpected whitespace after header value/, 'folded header line'],
  ['HTTPParserError', /^/, 'malformed HTTP'],
];

/** Names the rule of HTTP that a reply breaks, where an error says so; a new connection would bring the same reply. */
export function faultOfReply(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  return FAULTS.find(([of, pattern]) => of === name && pattern.test(message))?.[2];
}
