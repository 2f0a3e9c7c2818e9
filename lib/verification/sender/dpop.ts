import { hash } from 'node:crypto';
import type { CompactJWSHeaderParameters, CryptoKey } from 'jose';
import type { Clock } from '../../core/clock.js';
import { AuthError, IntrospectionError } from '../../core/errors.js';
import type { DpopRequest } from '../../core/lookup.js';
import { ownMembers } from '../../core/own-members.js';
import type { Nonces } from './dpop-nonce.js';
import { keyThumbprintOf } from './key-thumbprint.js';
import { createRecent } from './lru-map.js';
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

/** What a proof says of its sender. */
export interface Proof {
  /** The thumbprint of the key it was made with. */
  readonly jkt: string;
  /** Names this proof among all of this key. */
  readonly id: string;
  /** Whether the client should be given another nonce. */
  readonly isNonceOld: boolean;
}

export interface DpopVerifier {
  readonly algorithms: readonly string[];
  /** Whether tokens under Bearer are refused. */
  readonly isRequired?: boolean | undefined;
  readonly nonces: Nonces | undefined;
  /**
   * All of RFC 9449 section 4.3 that a proof can be held to by itself.
   *
   * @param digest the SHA-256 of the token, in base64url
   * @throws AuthError `invalid_dpop_proof`, `dpop_nonce_required`
   */
  verify(presented: DpopRequest, digest: string): Promise<Proof>;
  /**
   * Uses a proof, which is good for one request only.
   *
   * @throws AuthError `dpop_proof_replayed`
   * @throws IntrospectionError `replay_store_failed`
   */
  use(proof: Proof, request: object): Promise<void>;
}

const MAX_PROOF_LENGTH = 8192;

/** How far ahead a client's clock may be. */
const MAX_AHEAD_MS = 10_000;

/** A proof is looked at before the endpoint is asked, and used up after: by then it must still be known. */
const MARGIN_MS = 120_000;

/** Of so many clients the keys are kept. */
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
  const open = createOpener(algorithms);
  return {
    algorithms,
    isRequired,
    nonces,
    async verify({ proof, method, url }, digest) {
      if (proof === undefined || proof.length > MAX_PROOF_LENGTH) throw new AuthError('invalid_dpop_proof');
      const { claims, jkt } = await open(proof);
      const { jti, htm, htu, iat, ath, nonce } = claims;
      const now = clock.now();
      const age = typeof iat === 'number' ? now - iat * 1000 : Number.NaN;
      const isFit =
        typeof jti === 'string' &&
        jti !== '' &&
        htm === method &&
        typeof htu === 'string' &&
        isSameTarget(htu, url) &&
        ath === digest &&
        age <= maxAgeMs &&
        age >= -MAX_AHEAD_MS &&
        isWithinLife(claims, now);
      if (!isFit) throw new AuthError('invalid_dpop_proof');
      const state = nonces?.check(nonce) ?? 'current';
      if (state === 'unknown') throw new AuthError('dpop_nonce_required');
      return { jkt, id: hash('sha256', JSON.stringify([jkt, jti]), 'base64url'), isNonceOld: state === 'old' };
    },
    async use({ id }, request) {
      let isFirst: boolean;
      try {
        isFirst = await replay.use(id, maxAgeMs + MAX_AHEAD_MS + MARGIN_MS, request);
      } catch {
        throw new IntrospectionError('replay_store_failed');
      }
      if (!isFirst) throw new AuthError('dpop_proof_replayed');
    },
  };
}

/** What the header of a proof comes to: its text tells all of it. */
interface KnownHeader {
  readonly key: CryptoKey;
  readonly jkt: string;
}

interface Opened {
  readonly claims: ProofClaims;
  readonly jkt: string;
}

/** Opens proofs. The keys of who sent some lately are kept, since to import one takes longer than to verify with it. */
function createOpener(algorithms: readonly string[]): (proof: string) => Promise<Opened> {
  const headers = createRecent<KnownHeader>(MAX_HEADERS);
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
      const opened = { claims: claimsOf(payload), jkt: keyThumbprintOf({ ...protectedHeader.jwk }) };
      // A copy: a slice would keep the whole proof.
      headers.set(Buffer.from(header).toString(), { key: key as CryptoKey, jkt: opened.jkt });
      return opened;
    } catch {
      throw new AuthError('invalid_dpop_proof');
    }
  };
}

function claimsOf(payload: Uint8Array): ProofClaims {
  const claims: unknown = JSON.parse(decoder.decode(payload));
  if (typeof claims !== 'object' || claims === null) throw new Error('payload');
  return ownMembers(claims);
}

/** Neither claim has to be there, but one that is there counts (RFC 7519 sections 4.1.4 and 4.1.5). */
function isWithinLife({ exp, nbf }: ProofClaims, now: number): boolean {
  const isUnexpired = exp === undefined || (typeof exp === 'number' && now < exp * 1000);
  const hasBegun = nbf === undefined || (typeof nbf === 'number' && now >= nbf * 1000 - MAX_AHEAD_MS);
  return isUnexpired && hasBegun;
}

/** Most clients write what they ask for as it stands in the request. */
function isSameTarget(htu: string, url: string | undefined): boolean {
  if (url === undefined) return false;
  if (htu === url && !url.includes('@')) return URL.canParse(url);
  const expected = normalized(url);
  return expected !== undefined && normalized(htu) === expected;
}

/** Without query and fragment (RFC 9449 section 4.3), by the rules of RFC 3986 sections 6.2.2 and 6.2.3. */
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
