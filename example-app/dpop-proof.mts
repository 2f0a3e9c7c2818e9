import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose';

export interface DpopProof {
  /** Thumbprint of the key that signed the proof. */
  readonly jkt: string;
  readonly jti: string;
}

const MAX_AGE_SECONDS = 60;

/**
 * Verifies the DPoP proof of a token request (RFC 9449 section 4.3). The token can then be bound to the key of the proof.
 *
 * @throws Error when the proof is malformed, older than 60 seconds, or not for a POST to this URL
 */
export async function verifyTokenRequestProof(proof: string, url: string): Promise<DpopProof> {
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256'],
    maxTokenAge: MAX_AGE_SECONDS,
    requiredClaims: ['jti'],
  });
  if (payload.htm !== 'POST' || payload.htu !== url) throw new Error('the proof is for another request');
  return { jkt: await calculateJwkThumbprint(protectedHeader.jwk as JWK), jti: String(payload.jti) };
}
