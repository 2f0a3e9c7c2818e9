import { ownMember } from '../core/own-members.js';
import { type Names, parseNames, type Selector } from './selector.js';

/** A signed JWT in its compact form (RFC 7515 section 3.1); its second part is the payload. */
const JWT = /^[\w-]+\.([\w-]+)\.[\w-]*$/;

/**
 * Selects by the `iss` that a JWT says of itself, where it is exactly one of the list. Opaque and encrypted tokens select none.
 *
 * Nothing is verified, not even the signature: it is only to choose, never to trust. Give each server its `issuer`, so that
 * what it says about the token has to agree.
 *
 * @example
 * byIssuer({ 'https://as.acme.example': 'acme', 'https://as.beta.example': 'beta' })
 *
 * @throws TypeError when there is no issuer
 */
export function byIssuer<Name extends string>(names: Names<Name>): Selector<Name> {
  const remedy = "write byIssuer({ 'https://as.example.com': 'name' }), with issuers spelled as in tokens";
  const known = parseNames(names, (issuer) => issuer || undefined, remedy);
  return (_req, token) => {
    const issuer = issuerOf(token);
    return typeof issuer === 'string' ? known.get(issuer) : undefined;
  };
}

/** As the token says; tokens are at most 8 kB when they get here. */
function issuerOf(token: string): unknown {
  const [, payload] = JWT.exec(token) ?? [];
  if (payload === undefined) return undefined;
  try {
    return ownMember(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')), 'iss');
  } catch {
    return undefined;
  }
}
