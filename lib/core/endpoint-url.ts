const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Returns advice if the URL must not be used, otherwise `undefined`. A URL must begin with https:, and must have no user name, no
 * password and no fragment. http: is allowed for loopback hosts, and for every host if `allowHttp` is `true`.
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
 * Whether the value is an http or https URL that consists of an origin and an optional path. The text must be exactly as a URL parser
 * prints it, for example with a host in lower case. Only a slash at the end is optional.
 */
export function isBaseUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, origin, pathname } = new URL(value);
  return /^https?:$/.test(protocol) && origin + pathname.replace(/\/$/, '') === value.replace(/\/$/, '');
}
