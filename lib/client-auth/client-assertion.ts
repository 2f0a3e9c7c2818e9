import { type KeyObject, randomUUID, type webcrypto } from 'node:crypto';
import type { IntrospectionRequest } from '../core/client-auth.js';
import { IntrospectionError } from '../core/errors.js';

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const LIFETIME_SECONDS = 60;

export interface AssertionSettings {
  readonly clientId: string;
  /** Who the assertion is for; `undefined`: the authorization server's issuer identifier. */
  readonly audience: string | undefined;
}

/** What the assertion is signed with. */
export interface AssertionKey {
  /** Those to sign with, the first by preference. */
  readonly algorithms: readonly string[];
  readonly key: KeyObject | webcrypto.CryptoKey | Uint8Array;
  readonly keyId?: string | undefined;
}

/**
 * Writes a fresh assertion into a request ([RFC 7523 section 2.2](https://www.rfc-editor.org/rfc/rfc7523#section-2.2)):
 * for one use, valid for a minute, meant for the authorization server alone.
 */
export async function writeAssertion(
  { parameters, issuer, signingAlgorithms }: IntrospectionRequest,
  { clientId, audience = issuer }: AssertionSettings,
  { algorithms, key, keyId }: AssertionKey,
): Promise<void> {
  if (audience === undefined) throw new Error('no audience');
  const alg = algorithms.find((each) => signingAlgorithms?.includes(each) !== false);
  if (alg === undefined) {
    throw new IntrospectionError('credentials_unavailable', `the endpoint does not take ${algorithms.join(' or ')}`);
  }
  // ESM only, and needed here alone.
  const { SignJWT } = await import('jose');
  const now = Math.floor(Date.now() / 1000);
  const assertion = new SignJWT({ iss: clientId, sub: clientId, aud: audience, jti: randomUUID() })
    .setProtectedHeader({ alg, typ: 'client-authentication+jwt', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuedAt(now)
    .setExpirationTime(now + LIFETIME_SECONDS);
  parameters.client_id = clientId;
  parameters.client_assertion_type = TYPE;
  parameters.client_assertion = await assertion.sign(key);
}
