/** Type and subtype of a `Content-Type` value, in lower case, without parameters (RFC 9110 section 8.3.1). */
export function mediaType(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}
