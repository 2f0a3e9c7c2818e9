import { hash } from 'node:crypto';

/** The SHA-256 of a token, in base64url: stands for the token in caches and events, so that no store ever sees one. */
export function tokenDigest(token: string): string {
  return hash('sha256', token, 'base64url');
}
