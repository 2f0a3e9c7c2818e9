import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose';

export interface DpopProof {
  /** Thumbprint of the key it was made with. */
  readonly jkt: string;
  readonly jti: string;
}

const MAX_AGE_SECONDS = 60;

/**
 * Verifies the proof that comes with a token request (RFC 9449 section 4.3), so that the token can be bound to its key.
 *
 * @throws Error when it is not one for a POST of this URL, made just now
 */
export async function verifyTokenRequestProof(proof: string, url: string): Promise<DpopProof> {
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256'],
    maxTokenAge: MAX_AGE_SECONDS,
    requiredClaims: ['jti'],
  });
  if (payload.htm !== 'POST' || payload.htu !== url) throw new Error('a proof for another request');
  return { jkt: await calculateJwkThumbprint(protectedHeader.jwk as JWK), jti: String(payload.jti) };
}
