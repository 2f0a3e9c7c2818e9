import { type KeyObject, randomUUID, type webcrypto } from 'node:crypto';
import type { IntrospectionRequest } from '../core/client-auth.js';
import { IntrospectionError } from '../core/errors.js';

/** Type of an assertion that is a JWT of RFC 7523. */
export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

const LIFETIME_SECONDS = 60;

export interface AssertionSettings {
  readonly clientId: string;
  /** Claim `aud` of the assertion. `undefined` means the issuer identifier of the authorization server. */
  readonly audience: string | undefined;
}

/** Key that signs the assertion, with the algorithms that may be used with it. */
export interface AssertionKey {
  /** Algorithms that the key can use, the preferred one first. */
  readonly algorithms: readonly string[];
  readonly key: KeyObject | webcrypto.CryptoKey | Uint8Array;
  readonly keyId?: string | undefined;
}

/**
 * Writes a new client assertion into a request ([RFC 7523 section 2.2](https://www.rfc-editor.org/rfc/rfc7523#section-2.2)). The assertion
 * is valid for 60 seconds and for one use.
 *
 * @throws IntrospectionError `credentials_unavailable` when the endpoint accepts none of the algorithms of the key
 * @throws Error when the settings have no audience and the issuer identifier is not known
 */
export async function writeAssertion(
  { parameters, issuer, signingAlgorithms }: IntrospectionRequest,
  { clientId, audience = issuer }: AssertionSettings,
  { algorithms, key, keyId }: AssertionKey,
): Promise<void> {
  if (audience === undefined) throw new Error('no audience');
  const alg = algorithms.find((algorithm) => signingAlgorithms?.includes(algorithm) !== false);
  if (alg === undefined) {
    throw new IntrospectionError('credentials_unavailable', `the endpoint does not take ${algorithms.join(' or ')}`);
  }
  // jose is an ES module, so it is loaded only when it is used.
  const { SignJWT } = await import('jose');
  const now = Math.floor(Date.now() / 1000);
  const assertion = new SignJWT({ iss: clientId, sub: clientId, aud: audience, jti: randomUUID() })
    .setProtectedHeader({ alg, typ: 'client-authentication+jwt', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuedAt(now)
    .setExpirationTime(now + LIFETIME_SECONDS);
  parameters.client_id = clientId;
  parameters.client_assertion_type = JWT_BEARER;
  parameters.client_assertion = await assertion.sign(key);
}
