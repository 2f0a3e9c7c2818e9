import { IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import { codeOf } from '../introspection/http.js';
import { UnknownKeyError } from '../introspection/key-set.js';
import { parseStrictObject } from '../introspection/strict-json.js';
import type { SignalSettings } from './options.js';
import { SignalError } from './signal-error.js';

/** A signed token that has been verified: the issuer has signed it for this receiver, and its `iat` is recent. */
export interface VerifiedSignal {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly jti: string;
  /** The payload as JSON text, exactly as it was signed. */
  readonly payload: string;
}

/**
 * Verifies a signed token: its signature, `typ`, `iss`, `aud`, `iat` and `jti`, and also `exp` and `nbf` if they are present.
 *
 * @throws SignalError
 */
export type VerifySignal = (jwt: string) => Promise<VerifiedSignal>;

const COMPACT_JWS = /^([\w-]+)\.([\w-]+)\.[\w-]+$/;

/**
 * @param type accepted `typ` in lower case
 * @param allowJwtType whether to accept `typ: JWT` and tokens without `typ`
 */
export function createSignalVerifier(settings: SignalSettings, type: string, allowJwtType: boolean): VerifySignal {
  const types = [type, ...(allowJwtType ? ['jwt', undefined] : [])];

  async function verifySignature(jwt: string): Promise<Uint8Array> {
    const { keys, algorithms } = settings;
    try {
      const { payload } = await keys.verify(jwt, algorithms);
      return payload;
    } catch (error) {
      throw rejectionOf(error);
    }
  }

  return async (jwt) => {
    const [, header] = COMPACT_JWS.exec(jwt) ?? [];
    if (header === undefined) throw new SignalError('malformed_token');
    requireHeader(parse(Buffer.from(header, 'base64url').toString('utf8')), settings, types);
    const payload = decode(await verifySignature(jwt));
    const claims = parse(payload);
    requireClaims(claims, settings);
    const jti = ownMember(claims, 'jti');
    if (typeof jti !== 'string' || jti === '') throw new SignalError('missing_jti');
    return { claims, jti, payload };
  };
}

function decode(payload: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    throw new SignalError('malformed_token');
  }
}

function parse(json: string): Readonly<Record<string, unknown>> {
  try {
    return parseStrictObject(json);
  } catch {
    throw new SignalError('malformed_token');
  }
}

/**
 * Checks the JOSE header of a token, before any key is used or fetched. Rejects a header with `crit`, because no extension is supported
 * (RFC 7515 section 4.1.11).
 */
function requireHeader(header: object, { algorithms }: SignalSettings, types: readonly unknown[]): void {
  const alg = ownMember(header, 'alg');
  if (typeof alg !== 'string' || !algorithms.includes(alg)) throw new SignalError('wrong_algorithm');
  if (ownMember(header, 'crit') !== undefined) throw new SignalError('malformed_token');
  const typ = ownMember(header, 'typ');
  const name = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
  if (!types.includes(name)) throw new SignalError('wrong_type');
}

/** @throws SignalError */
function requireClaims(claims: object, { issuer, audience, maxAgeMs, toleranceMs, clock }: SignalSettings): void {
  if (ownMember(claims, 'iss') !== issuer) throw new SignalError('wrong_issuer');
  const aud = [ownMember(claims, 'aud')].flat();
  if (!aud.some((value) => typeof value === 'string' && audience.includes(value))) {
    throw new SignalError('wrong_audience');
  }
  const now = clock.now();
  const iat = millisOf(ownMember(claims, 'iat'));
  if (iat === undefined || iat > now + toleranceMs || iat < now - maxAgeMs - toleranceMs) {
    throw new SignalError('wrong_time');
  }
  const [exp, nbf] = [ownMember(claims, 'exp'), ownMember(claims, 'nbf')];
  if (exp !== undefined && !((millisOf(exp) ?? Number.NaN) + toleranceMs > now)) throw new SignalError('expired');
  if (nbf !== undefined && !((millisOf(nbf) ?? Number.NaN) - toleranceMs <= now)) throw new SignalError('wrong_time');
}

function millisOf(seconds: unknown): number | undefined {
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

function rejectionOf(error: unknown): SignalError {
  if (error instanceof UnknownKeyError || error instanceof IntrospectionError) {
    return new SignalError('keys_unavailable', error.retryAfterSeconds);
  }
  return new SignalError(codeOf(error) === 'ERR_JWKS_NO_MATCHING_KEY' ? 'unknown_key' : 'wrong_signature');
}
