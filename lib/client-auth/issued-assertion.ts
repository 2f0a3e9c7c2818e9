import { IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';

/** A signed JWT: header, payload and signature (RFC 7515 section 3.1). */
export const JWT_SHAPE = /^e[\w-]+\.[\w-]+\.[\w-]+$/;

/** A JWT that another party issued to this API. */
export interface IssuedAssertion {
  readonly assertion: string;
  /** When the assertion expires, as wall time in milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Reads an assertion and its `exp`, which RFC 7523 section 3 requires. Whitespace around the assertion is removed, because files often end
 * with a line break. The signature is not verified.
 *
 * @param name name of the file, for the detail of the error; `undefined` if the assertion is not from a file
 * @throws IntrospectionError `credentials_unavailable` for a value that is no JWT, or a JWT that has expired or has no `exp`
 */
export function parseAssertion(value: unknown, now: number, name?: string): IssuedAssertion {
  const assertion = typeof value === 'string' ? value.trim() : '';
  const exp = JWT_SHAPE.test(assertion) ? expOf(assertion) : undefined;
  if (exp === undefined) throw unusable('is not a JWT with exp', name);
  const expiresAt = exp * 1000;
  if (expiresAt <= now) throw unusable('has expired', name);
  return { assertion, expiresAt };
}

/** Creates the error for an assertion that is not sent. The detail of the error begins with a fixed text, by which the remedy is found. */
export function unusable(fault: string, name: string | undefined, cause?: string): IntrospectionError {
  const about = [name, cause].filter((part) => part !== undefined);
  const detail = `the assertion ${fault}${about.length > 0 ? `: ${about.join(', ')}` : ''}`;
  return new IntrospectionError('credentials_unavailable', detail);
}

function expOf(assertion: string): number | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(assertion.split('.')[1] as string, 'base64url').toString('utf8'));
    const exp = ownMember(payload, 'exp');
    return typeof exp === 'number' ? exp : undefined;
  } catch {
    return undefined;
  }
}
