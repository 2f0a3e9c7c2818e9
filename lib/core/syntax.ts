/** A bearer token (RFC 6750 section 2.1). `=` is not in the character class before it, so matching takes linear time. */
export const B64_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** One scope (RFC 6749 section 3.3). */
export const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** A header name (RFC 9110 section 5.6.2). */
export const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A header value: one line of printable ASCII and tabs, perhaps empty (RFC 9110 section 5.5). */
export const HEADER_VALUE = /^[\x20-\x7e\t]*$/;

/** Printable ASCII. It fits into a quoted-string after its quotes and backslashes are escaped (RFC 9110 section 5.6.4). */
export const QUOTABLE = /^[\x20-\x7e]*$/;

/**
 * Returns type and subtype of a `Content-Type` value, in lower case and without parameters (RFC 9110 section 8.3.1); `''` for `undefined`.
 */
export function mediaType(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}
