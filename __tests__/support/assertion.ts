import { type KeyObject, randomUUID } from 'node:crypto';
import type { JWTHeaderParameters, JWTPayload } from 'jose';
import type { ClientAuth } from '../../lib/index.js';
import { signed } from './signed.js';

export interface Assertion {
  readonly header: JWTHeaderParameters;
  readonly payload: JWTPayload;
}

/** The assertion that a client authentication creates, with its signature verified. */
export async function assertionOf(
  clientAuth: ClientAuth,
  key: KeyObject,
  more: Parameters<typeof signed>[1] = {},
): Promise<Assertion> {
  const { jwtVerify } = await import('jose');
  const { parameters } = await signed(clientAuth, more);
  const { protectedHeader, payload } = await jwtVerify(parameters.client_assertion ?? '', key);
  return { header: protectedHeader as JWTHeaderParameters, payload };
}

/** Signs an assertion as a cluster or an agent issues them, valid for a minute. */
export async function issueAssertion(
  key: KeyObject,
  { sub, audience = '', ttlSeconds = 60 }: { sub: string; audience?: string; ttlSeconds?: number },
): Promise<string> {
  const { SignJWT } = await import('jose');
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: sub, sub, aud: audience, jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(key);
}
