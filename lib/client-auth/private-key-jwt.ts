import type { ClientAuth } from '../core/client-auth.js';
import { ownMembers } from '../core/own-members.js';
import { writeAssertion } from './client-assertion.js';
import { requireAudience, requireClientId, requireOptions } from './client-identifier.js';
import { type PrivateKey, parseSigningKey } from './keys.js';

/** Options of `privateKeyJwt()`. */
export interface PrivateKeyJwtOptions {
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /** Private key, or a function that returns the current one. The function is called for every introspection request. */
  readonly key: PrivateKey | undefined | (() => PrivateKey | Promise<PrivateKey>);
  /**
   * Signing algorithm. Default the `alg` of a JWK, or the algorithm of a `CryptoKey`. For other keys: `RS256`, `ES256`, `ES384`, `ES512`
   * or `EdDSA`, depending on the key. If the metadata of an `authorizationServer` list algorithms, the first one of the key that is in
   * the list.
   */
  readonly alg?: string | undefined;
  /** Recipient of the assertion. Default the issuer of the authorization server; some servers require the endpoint instead. */
  readonly audience?: string | undefined;
  /** Header `kid`, by which the server finds the public key. Default the `kid` of a JWK. */
  readonly keyId?: string | undefined;
}

/**
 * Client authentication with a JWT that the client's private key signs (`private_key_jwt` of OpenID Connect Core section 9,
 * [RFC 7523](https://www.rfc-editor.org/rfc/rfc7523)). The server knows only the public key.
 *
 * @throws TypeError when an option is missing, unknown or wrong, or the key cannot sign with `alg`. If a function fails or returns
 * such a key, the request gets a 503 instead
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
