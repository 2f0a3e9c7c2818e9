// Assertions about errors. An error that equals one that is created without the input holds nothing of the input.
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';

/** Requires an `AuthError` with one of these reasons, and nothing else in it. */
export function requireRejection(AuthError, error, reasons) {
  requireInstance(AuthError, error);
  requireOneOf(reasons, error.reason, 'reason');
  requireSame(error, new AuthError(error.reason));
}

/** Requires an `IntrospectionError` with one of these codes and details, and nothing else in it. */
export function requireOutage(IntrospectionError, error, codes, details) {
  requireInstance(IntrospectionError, error);
  requireOneOf(codes, error.code, 'code');
  requireOneOf([undefined, ...details], error.detail, 'detail');
  const { retryAfterSeconds } = error;
  assert(
    Number.isInteger(retryAfterSeconds) && retryAfterSeconds >= 1 && retryAfterSeconds <= 120,
    'retryAfterSeconds',
  );
  requireSame(error, new IntrospectionError(error.code, error.detail, retryAfterSeconds));
}

export function requireInstance(type, error) {
  if (error instanceof type) return;
  throw new Error(`an error that has no name here: ${error?.stack ?? String(error)}`);
}

export function requireOneOf(allowed, value, what) {
  if (allowed.includes(value)) return;
  throw new Error(
    `${what} is ${JSON.stringify(value)} instead of ${allowed.map((each) => JSON.stringify(each)).join(' or ')}`,
  );
}

/** The stack is not compared. It begins with the message, and continues with places in files. */
export function requireSame(error, expected) {
  const names = new Set([...Reflect.ownKeys(error), ...Reflect.ownKeys(expected)]);
  for (const name of names) {
    if (name !== 'stack')
      assert(isDeepStrictEqual(error[name], expected[name]), `the error has another ${String(name)}`);
  }
}
