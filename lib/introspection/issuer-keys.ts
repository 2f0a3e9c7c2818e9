import { ownMember } from '../core/own-members.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { createDiscovery, discoveryFailure, MISTAKES, usableUrl } from './discovery.js';
import { createKeySet, type KeySet, type KeySetSettings, type KeySource } from './key-set.js';
import { wellKnownUrls } from './server-metadata.js';

export interface IssuerKeysSettings extends KeySetSettings {
  readonly issuer: string;
  /** Keys that verify the signatures of the issuer. `undefined` means the keys at the `jwks_uri` in the metadata of the issuer. */
  readonly keys: KeySource | undefined;
  readonly allowHttp: boolean;
}

const REMEDY = 'Write "issuer" exactly as in its metadata, including a slash at the end, or set "keys".';

/**
 * Creates the set of public keys of an issuer of signed tokens. If the settings have no `keys`, the keys are those at the `jwks_uri` of the
 * issuer's metadata: authorization server metadata (RFC 8414), OpenID Connect Discovery 1.0 or the configuration of a transmitter (OpenID
 * Shared Signals Framework 1.0 section 7).
 *
 * Signatures with unknown keys cause few requests: at most one request for the keys in `cooldownMs` milliseconds.
 */
export function createIssuerKeys(settings: IssuerKeysSettings): KeySet {
  if (settings.keys !== undefined) return createKeySet(settings.keys, settings);
  const alarm = createWarning('DISCOVERY_FAILED');
  const discover = createDiscovery({
    ...settings,
    urls: [...wellKnownUrls(settings.issuer), transmitterUrl(settings.issuer)],
    onMistake: ({ detail }) => alarm(`Signed tokens of the issuer cannot be verified. ${REMEDY}`, detail),
    read: (document) => ({ jwksUri: readJwksUri(document, settings) }),
  });
  let found: { readonly href: string; readonly keys: KeySet } | undefined;

  return {
    async verify(jws, algorithms) {
      const { jwksUri } = await discover();
      if (found?.href !== jwksUri.href) found = { href: jwksUri.href, keys: createKeySet(jwksUri, settings) };
      return found.keys.verify(jws, algorithms);
    },
    refetchableInMs: () => found?.keys.refetchableInMs() ?? 0,
    isUnknown: (kid) => found?.keys.isUnknown(kid) === true,
  };
}

function transmitterUrl(issuer: string): URL {
  const { origin, pathname } = new URL(issuer);
  return new URL(`${origin}/.well-known/ssf-configuration${pathname.replace(/\/$/, '')}`);
}

/**
 * Returns the `jwks_uri` in the metadata.
 *
 * @throws IntrospectionError `discovery_failed` if the metadata are of another issuer, or have no usable `jwks_uri`
 */
function readJwksUri(document: unknown, { issuer, allowHttp }: IssuerKeysSettings): URL {
  // The comparison is exact (RFC 8414 section 3.3): the keys of another issuer would verify its signatures as those of this issuer.
  if (ownMember(document, 'issuer') !== issuer) throw discoveryFailure(MISTAKES.otherIssuer);
  const text = ownMember(document, 'jwks_uri');
  const url = typeof text === 'string' ? usableUrl(text, issuer, allowHttp) : undefined;
  if (url === undefined) throw discoveryFailure(MISTAKES.noKeys);
  return url;
}
