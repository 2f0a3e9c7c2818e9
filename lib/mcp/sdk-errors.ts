/** An error class of the SDK that takes a message. */
export type MessageErrorClass = new (message: string) => Error;

/** The error classes of the SDK's version 1: `import * as errors from '@modelcontextprotocol/sdk/server/auth/errors.js'`. */
export interface SdkErrorsV1 {
  /** Becomes 400. */
  readonly InvalidRequestError: MessageErrorClass;
  /** Becomes 401. */
  readonly InvalidTokenError: MessageErrorClass;
  /** Becomes 403. */
  readonly InsufficientScopeError: MessageErrorClass;
  /** Becomes 500. */
  readonly ServerError: MessageErrorClass;
}

/** An error class that takes an OAuth error code and a message. */
export type OAuthErrorClass = new (code: string, message: string) => Error;

/** The error class of the SDK's version 2: `import { OAuthError } from '@modelcontextprotocol/server'`. */
export interface SdkErrorsV2 {
  /** The code decides which status it becomes. */
  readonly OAuthError: OAuthErrorClass;
}

/** The error classes of either version. */
export type SdkErrors = SdkErrorsV1 | SdkErrorsV2;

export type SdkErrorCode = keyof typeof CLASSES;

const CLASSES = {
  invalid_request: 'InvalidRequestError',
  invalid_token: 'InvalidTokenError',
  insufficient_scope: 'InsufficientScopeError',
  server_error: 'ServerError',
} as const satisfies Record<string, keyof SdkErrorsV1>;

export function isSdkErrors(value: unknown): value is SdkErrors {
  const errors = Object(value);
  const names = 'InvalidTokenError' in errors ? Object.values(CLASSES) : ['OAuthError'];
  return names.every((name) => typeof errors[name] === 'function');
}

/** An error that the SDK's own middleware answers with the right status. */
export function createSdkError(errors: SdkErrors, code: SdkErrorCode, message: string): Error {
  return 'InvalidTokenError' in errors ? new errors[CLASSES[code]](message) : new errors.OAuthError(code, message);
}
