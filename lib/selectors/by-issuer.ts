import { ownMember } from '../core/own-members.js';
import { type Names, parseNames, type Selector } from './selector.js';

/** A signed JWT in compact form (RFC 7515 section 3.1). The second part is the payload. */
const JWT = /^[\w-]+\.([\w-]+)\.[\w-]*$/;

/**
 * Selects the authorization server by the claim `iss` of a token that is a signed JWT. The `iss` is compared exactly. No server is selected
 * for an opaque or encrypted token.
 *
 * Not checked: the signature, and any other claim of the JWT. So this `iss` is no reason to trust a token. Set the option `issuer` for each
 * server, so that the introspection response must have the same issuer.
 *
 * @example
 * byIssuer({ 'https://as.acme.example': 'acme', 'https://as.beta.example': 'beta' })
 *
 * @throws TypeError when no issuer is listed
 */
export function byIssuer<Name extends string>(names: Names<Name>): Selector<Name> {
  const remedy = "write byIssuer({ 'https://as.example.com': 'name' }), with issuers spelled as in tokens";
  const known = parseNames(names, (issuer) => issuer || undefined, remedy);
  return (_req, token) => {
    const issuer = issuerOf(token);
    return typeof issuer === 'string' ? known.get(issuer) : undefined;
  };
}

/**
 * Reads `iss` from the payload of a token. Returns `undefined` if the token is not a signed JWT. Parsing is cheap, because a token has at
 * most 8192 characters.
 */
function issuerOf(token: string): unknown {
  const [, payload] = JWT.exec(token) ?? [];
  if (payload === undefined) return undefined;
  try {
    return ownMember(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')), 'iss');
  } catch {
    return undefined;
  }
}
