import { hash } from 'node:crypto';

/** Returns the SHA-256 of a token in base64url. Caches and events use this digest instead of the token, so no store ever sees a token. */
export function tokenDigest(token: string): string {
  return hash('sha256', token, 'base64url');
}
