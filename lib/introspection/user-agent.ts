/** Version of this package. A test compares it with `package.json`. No file imports `package.json`, because bundlers may not find it. */
export const VERSION = '0.1.0';

/** `User-Agent` of every request to an authorization server, unless the option `headers` has one. */
export const USER_AGENT = `express-token-introspection/${VERSION}`;
