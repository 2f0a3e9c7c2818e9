/** RFC 6750 section 2.1. The two classes share no character, so a mismatch is found in linear time. */
const B64_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

export function isB64Token(value: string): boolean {
  return B64_TOKEN.test(value);
}
