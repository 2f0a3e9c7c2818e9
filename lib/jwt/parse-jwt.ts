import { ownMember } from '../core/own-members.js';
import type { JwtFault } from './jwt-events.js';
import { type JwtSettings, nameOfType } from './options.js';

/** A JWT whose signature is not verified yet. */
export interface UnverifiedJwt {
  readonly token: string;
  readonly header: object;
  /** The payload; `undefined` if it is no JSON object. */
  readonly claims: object | undefined;
}

const COMPACT_JWS = /^([\w-]+)\.([\w-]*)\.[\w-]*$/;

/** Parses a token. Returns `undefined` for a token that is no signed JWT: an opaque token, or an encrypted JWT. */
export function parseJwt(token: string): UnverifiedJwt | undefined {
  const [, header = '', payload = ''] = COMPACT_JWS.exec(token) ?? [];
  const parsed = header === '' ? undefined : parseObject(header);
  if (parsed === undefined || typeof ownMember(parsed, 'alg') !== 'string') return undefined;
  return { token, header: parsed, claims: parseObject(payload) };
}

/**
 * Returns the first fault of a JWT, or `undefined` if none is found. The signature is not checked here. A fault that is overlooked here
 * causes no wrong access, because the endpoint still decides about the token.
 */
export function findFault(
  { header, claims }: UnverifiedJwt,
  { issuer, algorithms, typ, toleranceMs, clock }: JwtSettings,
): JwtFault | undefined {
  if (claims === undefined) return 'malformed';
  if (!algorithms.includes(ownMember(header, 'alg') as string)) return 'algorithm';
  if (typ !== undefined && !hasType(header, typ)) return 'type';
  if (ownMember(claims, 'iss') !== issuer) return 'issuer';
  const now = clock.now();
  const [exp, nbf] = [ownMember(claims, 'exp'), ownMember(claims, 'nbf')];
  if (exp !== undefined && !(millisOf(exp) + toleranceMs > now)) return 'expired';
  if (nbf !== undefined && !(millisOf(nbf) - toleranceMs <= now)) return 'not_yet_valid';
  return undefined;
}

function hasType(header: object, expected: string): boolean {
  const typ = ownMember(header, 'typ');
  return typeof typ === 'string' && nameOfType(typ) === expected;
}

/**
 * Converts seconds to milliseconds. Returns `NaN` for a value that is no number. Every comparison with `NaN` is false, so {@link findFault}
 * then reports a fault.
 */
function millisOf(seconds: unknown): number {
  return typeof seconds === 'number' ? seconds * 1000 : Number.NaN;
}

function parseObject(part: string): object | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
