import { hash } from 'node:crypto';
import type { CompactJWSHeaderParameters, CryptoKey } from 'jose';
import type { Clock } from '../../core/clock.js';
import { AuthError, IntrospectionError } from '../../core/errors.js';
import type { DpopRequest } from '../../core/lookup.js';
import { ownMembers } from '../../core/own-members.js';
import type { Nonces } from './dpop-nonce.js';
import { keyThumbprint } from './key-thumbprint.js';
import { createLruMap } from './lru-map.js';
import { requireProofHeader } from './proof-header.js';
import type { ReplayGuard } from './replay.js';

export interface DpopSettings {
  readonly algorithms: readonly string[];
  readonly isRequired?: boolean | undefined;
  readonly maxAgeMs: number;
  readonly nonces: Nonces | undefined;
  readonly replay: ReplayGuard;
  readonly clock: Clock;
}

/** A verified DPoP proof. */
export interface Proof {
  /** Thumbprint of the key that signed the proof. */
  readonly jkt: string;
  /** Identifies the proof. It is a digest of the `jti` of the proof and of the thumbprint of its key. */
  readonly id: string;
  /** Whether the nonce of the proof is accepted but old, so that the client should be sent a new nonce. */
  readonly isNonceOld: boolean;
}

export interface DpopVerifier {
  readonly algorithms: readonly string[];
  /** Whether DPoP is required. If `true`, requests with the scheme Bearer are rejected. */
  readonly isRequired?: boolean | undefined;
  readonly nonces: Nonces | undefined;
  /**
   * Verifies a DPoP proof as RFC 9449 section 4.3 requires, except for two rules that are checked later: {@link DpopVerifier.use} rejects
   * replays, and `requireSenderConstraint` compares the key of the proof with the token.
   *
   * @param digest the SHA-256 of the token, in base64url
   * @throws AuthError `invalid_dpop_proof`, `dpop_nonce_required`
   */
  verify(presented: DpopRequest, digest: string): Promise<Proof>;
  /**
   * Marks a proof as used by this request. The same request may use the proof again, for another middleware; any other request may not.
   *
   * @throws AuthError `dpop_proof_replayed` if another request has used the proof
   * @throws IntrospectionError `replay_store_failed`
   */
  use(proof: Proof, request: object): Promise<void>;
}

const MAX_PROOF_LENGTH = 8192;

/** Maximum time, in milliseconds, that the clock of a client may be ahead of the clock of this process. */
const MAX_AHEAD_MS = 10_000;

/**
 * A used proof is remembered for this many milliseconds longer than a proof is valid. The reason: a proof is verified before the lookup and
 * marked as used after the lookup, and by then it may be older than `maxAgeMs`.
 */
const MARGIN_MS = 120_000;

/** Maximum number of different proof headers whose keys are kept, because importing a key is slow. */
const MAX_HEADERS = 1000;

const decoder = new TextDecoder('utf-8', { fatal: true });

interface ProofClaims {
  readonly jti?: unknown;
  readonly htm?: unknown;
  readonly htu?: unknown;
  readonly iat?: unknown;
  readonly ath?: unknown;
  readonly nonce?: unknown;
  readonly exp?: unknown;
  readonly nbf?: unknown;
}

export function createDpopVerifier(settings: DpopSettings): DpopVerifier {
  const { algorithms, isRequired, maxAgeMs, nonces, replay, clock } = settings;
  const verifySignature = createSignatureVerifier(algorithms);
  replay.keepFor(maxAgeMs + MAX_AHEAD_MS + MARGIN_MS);
  return {
    algorithms,
    isRequired,
    nonces,
    async verify({ proof, method, url }, digest) {
      if (proof === undefined || proof.length > MAX_PROOF_LENGTH) throw new AuthError('invalid_dpop_proof');
      const { claims, jkt } = await verifySignature(proof);
      const { jti, htm, htu, iat, ath, nonce } = claims;
      const now = clock.now();
      const age = typeof iat === 'number' ? now - iat * 1000 : Number.NaN;
      const isValid =
        typeof jti === 'string' &&
        jti !== '' &&
        htm === method &&
        typeof htu === 'string' &&
        isSameTarget(htu, url) &&
        ath === digest &&
        age <= maxAgeMs &&
        age >= -MAX_AHEAD_MS &&
        isWithinLife(claims, now);
      if (!isValid) throw new AuthError('invalid_dpop_proof');
      const state = nonces?.check(nonce);
      if (state === 'unknown') throw new AuthError('dpop_nonce_required');
      return { jkt, id: hash('sha256', JSON.stringify([jkt, jti]), 'base64url'), isNonceOld: state === 'old' };
    },
    async use({ id }, request) {
      let isFirst: boolean;
      try {
        isFirst = await replay.use(id, request);
      } catch {
        throw new IntrospectionError('replay_store_failed');
      }
      if (!isFirst) throw new AuthError('dpop_proof_replayed');
    },
  };
}

/**
 * The key in the header of an earlier, verified proof. A later proof with the same header text has the same key, so the header text
 * identifies the key.
 */
interface KnownKey {
  readonly key: CryptoKey;
  readonly jkt: string;
}

interface SignedClaims {
  readonly claims: ProofClaims;
  readonly jkt: string;
}

/**
 * Returns a function that verifies the header and the signature of a proof. Its promise rejects with an AuthError `invalid_dpop_proof` if
 * either is wrong. The function keeps recently used keys, because importing a key takes longer than verifying a signature.
 */
function createSignatureVerifier(algorithms: readonly string[]): (proof: string) => Promise<SignedClaims> {
  const headers = createLruMap<KnownKey>(MAX_HEADERS);
  const options = { algorithms: [...algorithms] };
  let jose: typeof import('jose') | undefined;

  return async (proof) => {
    jose ??= await import('jose');
    try {
      const header = proof.slice(0, proof.indexOf('.'));
      const known = headers.get(header);
      if (known !== undefined) {
        const { payload } = await jose.compactVerify(proof, known.key, options);
        return { claims: claimsOf(payload), jkt: known.jkt };
      }
      const { EmbeddedJWK } = jose;
      const publicKeyOf: typeof EmbeddedJWK = (protectedHeader, jws) => {
        requireProofHeader(ownMembers(protectedHeader as CompactJWSHeaderParameters));
        return EmbeddedJWK(protectedHeader, jws);
      };
      const { payload, protectedHeader, key } = await jose.compactVerify(proof, publicKeyOf, options);
      const verified = { claims: claimsOf(payload), jkt: keyThumbprint({ ...protectedHeader.jwk }) };
      // The header is copied, because a slice of the proof would keep the whole proof in memory.
      headers.set(Buffer.from(header).toString(), { key: key as CryptoKey, jkt: verified.jkt });
      return verified;
    } catch {
      throw new AuthError('invalid_dpop_proof');
    }
  };
}

/** Returns the claims of a proof. A payload that is no object has none of them, so the proof is rejected later. */
function claimsOf(payload: Uint8Array): ProofClaims {
  return ownMembers(JSON.parse(decoder.decode(payload)) as object);
}

/**
 * Whether the `nbf` of a proof has passed and its `exp` has not. Both claims are optional (RFC 7519 sections 4.1.4 and 4.1.5). `nbf` may be
 * up to 10 seconds in the future.
 */
function isWithinLife({ exp, nbf }: ProofClaims, now: number): boolean {
  const isUnexpired = exp === undefined || (typeof exp === 'number' && now < exp * 1000);
  const hasBegun = nbf === undefined || (typeof nbf === 'number' && now >= nbf * 1000 - MAX_AHEAD_MS);
  return isUnexpired && hasBegun;
}

/**
 * Whether `htu` is `url`, the URL of the request. Query and fragment are not compared. The unchanged texts are compared first, because most
 * clients write `htu` exactly like the URL of the request. A URL with a user name or a password never matches.
 */
function isSameTarget(htu: string, url: string | undefined): boolean {
  if (url === undefined) return false;
  if (htu === url && !url.includes('@')) return URL.canParse(url);
  const expected = normalized(url);
  return expected !== undefined && normalized(htu) === expected;
}

/**
 * Returns a URL without query and fragment (RFC 9449 section 4.3), in a normalized form for comparison (RFC 3986 sections 6.2.2 and 6.2.3).
 * Returns `undefined` for an invalid URL and for a URL with a user name or a password.
 */
function normalized(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, host, pathname, username, password } = new URL(url);
  if (username !== '' || password !== '') return undefined;
  const path = pathname.replace(/%[0-9a-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
  });
  return `${protocol}//${host}${path}`;
}
