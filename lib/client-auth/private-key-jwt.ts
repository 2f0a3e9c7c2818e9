import type { ClientAuth } from '../core/client-auth.js';
import { ownMembers } from '../core/own-members.js';
import { requireAudience, requireClientId, requireOptions } from './client-identifier.js';
import { type PrivateKey, parseSigningKey } from './keys.js';
import { writeAssertion } from './write-assertion.js';

/** Options of `privateKeyJwt()`. */
export interface PrivateKeyJwtOptions {
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Private key, or a function that returns the current key. The function is called for every attempt to send an introspection request. */
  readonly key: PrivateKey | undefined | (() => PrivateKey | Promise<PrivateKey>);
  /**
   * Signing algorithm. Default: the `alg` of a key that is a JWK with `alg`, or the algorithm of a `CryptoKey`. For other keys: `RS256`,
   * `ES256`, `ES384`, `ES512` or `EdDSA`, depending on the key. For such a key, if the metadata of an `authorizationServer` list
   * algorithms, the default is the key's first algorithm that is in the list.
   */
  readonly alg?: string | undefined;
  /** Recipient of the assertion. Default: the issuer of the authorization server; some servers require the URL of an endpoint instead. */
  readonly audience?: string | undefined;
  /** Header `kid`, by which the server finds the public key. Default: the `kid` of the private key if it is a JWK, otherwise no `kid`. */
  readonly keyId?: string | undefined;
}

/**
 * Client authentication with a JWT that the client's private key signs (`private_key_jwt` of OpenID Connect Core section 9,
 * [RFC 7523](https://www.rfc-editor.org/rfc/rfc7523)). The server knows only the public key.
 *
 * @throws TypeError when an option is missing, unknown or wrong, or the key cannot sign with `alg`. If `key` is a function that fails or
 * returns such a key, nothing is thrown here, and the client's request gets a 503
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions): ClientAuth {
  requireOptions(options, ['clientId', 'key', 'alg', 'audience', 'keyId']);
  const { key, alg, audience, keyId, clientId: configuredId } = ownMembers(options);
  const clientId = requireClientId(configuredId);
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
