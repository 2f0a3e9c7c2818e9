const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Advice for a URL that is not safe for tokens, credentials or keys; `undefined` when the URL is safe. */
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

/** Whether the value is an http or https origin, with or without a path, in the normal form of URL parsers. */
export function isBaseUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, origin, pathname } = new URL(value);
  return /^https?:$/.test(protocol) && origin + pathname.replace(/\/$/, '') === value.replace(/\/$/, '');
}
