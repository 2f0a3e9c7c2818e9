import type { KeyObject } from 'node:crypto';
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
