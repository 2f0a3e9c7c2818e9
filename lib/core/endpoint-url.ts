const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Returns advice for a URL that must not be used: a URL without TLS, with credentials or with a fragment. Returns `undefined` for a URL
 * that may be used. Loopback hosts need no TLS, and with `allowHttp` no host does.
 */
export function remedyForUrl(url: URL, allowHttp: boolean): string | undefined {
  const isSecure = url.protocol === 'https:';
  if (!isSecure && url.protocol !== 'http:') return 'write an https: URL';
  if (!isSecure && !allowHttp && !LOOPBACK.test(url.hostname)) {
    return 'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp';
  }
  if (url.username !== '' || url.password !== '') {
    return 'leave the credentials out of the URL and give them to "clientAuth"';
  }
  return url.hash === '' ? undefined : 'leave the fragment out (RFC 7662 section 2)';
}

/**
 * Whether the value is an http or https URL that consists of an origin and an optional path. It must be written as URL parsers print it,
 * for example with a host in lower case. A slash at the end is optional.
 */
export function isBaseUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, origin, pathname } = new URL(value);
  return /^https?:$/.test(protocol) && origin + pathname.replace(/\/$/, '') === value.replace(/\/$/, '');
}
