import { B64_TOKEN } from '../core/syntax.js';
import { type Names, parseNames, type Selector } from './selector.js';

/**
 * Selects by how the token begins, compared exactly; of several prefixes that fit, the longest counts.
 *
 * Not checked: that the server of that name issued the token. The client chose it.
 *
 * @example
 * byTokenPrefix({ acme_: 'acme', beta_: 'beta' })
 *
 * @throws TypeError when there is no prefix, or one with which no token begins
 */
export function byTokenPrefix<Name extends string>(names: Names<Name>): Selector<Name> {
  const remedy = "write byTokenPrefix({ acme_: 'acme' }), with prefixes that tokens can begin with";
  const known = parseNames(names, (prefix) => (B64_TOKEN.test(prefix) ? prefix : undefined), remedy);
  const longestFirst = [...known].sort(([a], [b]) => b.length - a.length);
  return (_req, token) => longestFirst.find(([prefix]) => token.startsWith(prefix))?.[1];
}
