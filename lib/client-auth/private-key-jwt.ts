import type { ClientAuth } from '../core/client-auth.js';
import { ownMembers } from '../core/own-members.js';
import { writeAssertion } from './client-assertion.js';
import { requireAudience, requireClientId, requireOptions } from './client-identifier.js';
import { type PrivateKey, parseSigningKey } from './keys.js';

/** What `privateKeyJwt()` takes. */
export interface PrivateKeyJwtOptions {
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** The key, or a function that returns the current one; it is called for every attempt. */
  readonly key: PrivateKey | undefined | (() => PrivateKey | Promise<PrivateKey>);
  /**
   * Default what a JWK or a `CryptoKey` names, else by the key the first of `RS256`, `ES256`, `ES384`, `ES512` or `EdDSA` and
   * what else it can sign with that the metadata of an `authorizationServer` advertise.
   */
  readonly alg?: string | undefined;
  /** Who the assertion is for. Default the authorization server's issuer; some servers want the endpoint instead. */
  readonly audience?: string | undefined;
  /** The `kid` by which the server finds the public key. Default what a JWK names. */
  readonly keyId?: string | undefined;
}

/**
 * A JWT signed with the client's private key (`private_key_jwt` of OpenID Connect Core section 9,
 * [RFC 7523](https://www.rfc-editor.org/rfc/rfc7523)): the server knows the public key alone.
 *
 * @throws TypeError when an option is missing, unknown or wrong, or the key cannot sign with `alg`; a function's failure is a
 * 503 instead
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions): ClientAuth {
  requireOptions(options, ['clientId', 'key', 'alg', 'audience', 'keyId']);
  const { key, alg, audience, keyId, clientId: given } = ownMembers(options);
  const clientId = requireClientId(given);
  requireAudience(audience);
  const common = {
    identity: `client:${clientId}`,
    clientId,
    methods: ['private_key_jwt'],
    needsIssuer: audience === undefined,
  };
  if (typeof key === 'function') {
    return {
      ...common,
      sign: async (request) =>
        writeAssertion(request, { clientId, audience }, parseSigningKey(await key(), alg, keyId)),
    };
  }
  const parsed = parseSigningKey(key, alg, keyId);
  return { ...common, sign: (request) => writeAssertion(request, { clientId, audience }, parsed) };
}
