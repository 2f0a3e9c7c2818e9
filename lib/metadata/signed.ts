import { type PrivateKey, parseSigningKey, type SigningKey } from '../client-auth/keys.js';
import { readOptions } from '../options/read-options.js';
import type { MetadataDocument } from './document.js';
import { SIGNED_RULES } from './rules.js';

/**
 * The key that signs the metadata, and options of the signature
 * ([RFC 9728 section 2.2](https://www.rfc-editor.org/rfc/rfc9728#section-2.2)).
 */
export interface SignedMetadataOptions {
  /** A private key: RSA of at least 2048 bits, P-256, P-384, P-521 or Ed25519. */
  readonly key: PrivateKey | undefined;
  /**
   * Algorithm of the signature. Default: the `alg` of a key that is a JWK with `alg`, or the algorithm of a `CryptoKey`. For other keys
   * `RS256`, `ES256`, `ES384`, `ES512` or `EdDSA`, depending on the key.
   */
  readonly alg?: string | undefined;
  /** The `kid` by which clients find the public key. Default: the `kid` of `key` if `key` is a JWK, otherwise no `kid`. */
  readonly keyId?: string | undefined;
  /** The `iss` of the signed metadata: the party that attests to the metadata. Default: the resource identifier. */
  readonly issuer?: string | undefined;
}

/**
 * A function of the app that signs the metadata, for example with a key in a key service. It must return a JWT that contains the metadata
 * and an `iss`.
 */
export type SignMetadata = (metadata: MetadataDocument) => string | Promise<string>;

const INTERNAL_SERVER_ERROR = 500;

/**
 * Returns a function that resolves to the value of `signed_metadata`. Its first call signs, and later calls resolve to the same JWT. If
 * signing fails, the promise rejects with an Error (status 500), and the next call signs again.
 *
 * @throws TypeError for an unknown or invalid option
 */
export function createSigner(
  metadata: MetadataDocument,
  signed: SignedMetadataOptions | SignMetadata,
): () => Promise<string> {
  const sign = typeof signed === 'function' ? signed : signerWithKey(signed);
  let jwt: Promise<string> | undefined;
  return () => {
    jwt ??= signAndCheck(sign, metadata).catch((cause: unknown) => {
      jwt = undefined;
      throw Object.assign(new Error('The protected resource metadata could not be signed', { cause }), {
        status: INTERNAL_SERVER_ERROR,
        statusCode: INTERNAL_SERVER_ERROR,
      });
    });
    return jwt;
  };
}

async function signAndCheck(sign: SignMetadata, metadata: MetadataDocument): Promise<string> {
  const jwt: unknown = await sign(structuredClone(metadata));
  const { iss, signed_metadata } = claimsOf(jwt);
  if (typeof iss !== 'string' || iss === '' || signed_metadata !== undefined) {
    throw new Error('signed metadata must have an "iss" and no member "signed_metadata" (RFC 9728 section 2.2)');
  }
  return jwt as string;
}

function signerWithKey(options: SignedMetadataOptions): SignMetadata {
  const { key, alg, keyId, issuer } = readOptions(options, SIGNED_RULES, 'signed.');
  const signingKey = parseSigningKey(key, alg, keyId, 'signed.');
  return (metadata) => signWith(signingKey, metadata, issuer ?? metadata.resource);
}

async function signWith({ key, algorithms: [alg], keyId }: SigningKey, metadata: MetadataDocument, iss: string) {
  // Loaded here, because jose is an ES module and only this function needs it.
  const { SignJWT } = await import('jose');
  return new SignJWT({ ...metadata, iss })
    .setProtectedHeader({ alg, ...(keyId !== undefined && { kid: keyId }) })
    .setIssuedAt()
    .sign(key);
}

/**
 * Reads the claims of a JWT. The signature is not verified, because the JWT comes from the function that signs the metadata, and not from a
 * client.
 *
 * @throws Error for a value that is not a JWT
 */
function claimsOf(jwt: unknown): { readonly iss?: unknown; readonly signed_metadata?: unknown } {
  const [, payload] = (typeof jwt === 'string' && /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(jwt)) || [];
  if (payload === undefined) throw new Error('the function that signs the metadata must return a signed JWT');
  return Object(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
}
