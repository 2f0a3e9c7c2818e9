import { B64_TOKEN } from '../core/syntax.js';
import { type Names, parseNames, type Selector } from './selector.js';

/**
 * Selects the authorization server by the first characters of the token. They are compared exactly. If several listed prefixes match, the
 * longest is used.
 *
 * Not checked: whether the selected server issued the token, because anybody can send a token with any prefix.
 *
 * @example
 * byTokenPrefix({ acme_: 'acme', beta_: 'beta' })
 *
 * @throws TypeError when no prefix is listed, or a prefix has characters that no token can have
 */
export function byTokenPrefix<Name extends string>(names: Names<Name>): Selector<Name> {
  const remedy = "write byTokenPrefix({ acme_: 'acme' }), with prefixes that tokens can begin with";
  const known = parseNames(names, (prefix) => (B64_TOKEN.test(prefix) ? prefix : undefined), remedy);
  const longestFirst = [...known].sort(([a], [b]) => b.length - a.length);
  return (_req, token) => longestFirst.find(([prefix]) => token.startsWith(prefix))?.[1];
}
