const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** What to write instead of a URL that tokens, credentials or keys must not travel to; `undefined` where they may. */
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

/** An origin, or one with a path, spelled as URL parsers spell it. */
export function isBaseUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, origin, pathname } = new URL(value);
  return /^https?:$/.test(protocol) && origin + pathname.replace(/\/$/, '') === value.replace(/\/$/, '');
}
