import { type PrivateKey, parseSigningKey, type SigningKey } from '../client-auth/keys.js';
import { readOptions } from '../options/rules.js';
import type { MetadataDocument } from './document.js';
import { SIGNED_RULES } from './rules.js';

/** What the metadata are signed with ([RFC 9728 section 2.2](https://www.rfc-editor.org/rfc/rfc9728#section-2.2)). */
export interface SignedMetadataOptions {
  /** A private key: RSA of at least 2048 bits, P-256, P-384, P-521 or Ed25519. */
  readonly key: PrivateKey | undefined;
  /** Default what a JWK or a `CryptoKey` names, else by the key `RS256`, `ES256`, `ES384`, `ES512` or `EdDSA`. */
  readonly alg?: string | undefined;
  /** The `kid` by which clients find the public key. Default what a JWK names. */
  readonly keyId?: string | undefined;
  /** Who attests to the metadata: their `iss`. Default the resource. */
  readonly issuer?: string | undefined;
}

/** Makes a JWT of the metadata and of an `iss` that it adds, for keys that are kept elsewhere. */
export type SignMetadata = (metadata: MetadataDocument) => string | Promise<string>;

const INTERNAL_SERVER_ERROR = 500;

/**
 * What makes `signed_metadata`: once, but for failures.
 *
 * @throws TypeError
 */
export function createSigner(
  metadata: MetadataDocument,
  given: SignedMetadataOptions | SignMetadata,
): () => Promise<string> {
  const sign = typeof given === 'function' ? given : createOwn(given);
  let signed: Promise<string> | undefined;
  return () => {
    signed ??= attempt(sign, metadata).catch((cause: unknown) => {
      signed = undefined;
      throw Object.assign(new Error('The protected resource metadata could not be signed', { cause }), {
        status: INTERNAL_SERVER_ERROR,
        statusCode: INTERNAL_SERVER_ERROR,
      });
    });
    return signed;
  };
}

async function attempt(sign: SignMetadata, metadata: MetadataDocument): Promise<string> {
  const jwt: unknown = await sign(structuredClone(metadata));
  const { iss, signed_metadata } = claimsOf(jwt);
  if (typeof iss !== 'string' || iss === '' || signed_metadata !== undefined) {
    throw new Error('signed metadata have an "iss", and do not hold themselves (RFC 9728 section 2.2)');
  }
  return jwt as string;
}

function createOwn(given: SignedMetadataOptions): SignMetadata {
  const { key, alg, keyId, issuer } = readOptions(given, SIGNED_RULES, 'signed.');
  const signingKey = parseSigningKey(key, alg, keyId, 'signed.');
  return (metadata) => signWith(signingKey, metadata, issuer ?? metadata.resource);
}

async function signWith({ key, algorithms: [alg], keyId }: SigningKey, metadata: MetadataDocument, iss: string) {
  // ESM only, and needed here alone.
  const { SignJWT } = await import('jose');
  return new SignJWT({ ...metadata, iss })
    .setProtectedHeader({ alg, ...(keyId !== undefined && { kid: keyId }) })
    .setIssuedAt()
    .sign(key);
}

/** What a signature is for; the signature itself is for those who have the key. */
function claimsOf(jwt: unknown): { readonly iss?: unknown; readonly signed_metadata?: unknown } {
  const [, payload] = (typeof jwt === 'string' && /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(jwt)) || [];
  if (payload === undefined) throw new Error('what signs the metadata has to return a signed JWT');
  return Object(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
}
