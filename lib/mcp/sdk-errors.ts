/** An error class of the SDK whose constructor takes a message. */
export type MessageErrorClass = new (message: string) => Error;

/** The error classes of version 1 of the SDK: `import * as errors from '@modelcontextprotocol/sdk/server/auth/errors.js'`. */
export interface SdkErrorsV1 {
  /** The SDK responds with 400. */
  readonly InvalidRequestError: MessageErrorClass;
  /** The SDK responds with 401. */
  readonly InvalidTokenError: MessageErrorClass;
  /** The SDK responds with 403. */
  readonly InsufficientScopeError: MessageErrorClass;
  /** The SDK responds with 500. */
  readonly ServerError: MessageErrorClass;
}

/** An error class of the SDK whose constructor takes the OAuth error code first. */
export type OAuthErrorClass = new (code: string, message: string) => Error;

/** The error class of version 2 of the SDK: `import { OAuthError } from '@modelcontextprotocol/server'`. */
export interface SdkErrorsV2 {
  /** The error code determines the status of the response. */
  readonly OAuthError: OAuthErrorClass;
}

/** The error classes of version 1 or 2. */
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

/** Creates an error to which the SDK's own middleware responds with the right status. */
export function createSdkError(errors: SdkErrors, code: SdkErrorCode, message: string): Error {
  return 'InvalidTokenError' in errors ? new errors[CLASSES[code]](message) : new errors.OAuthError(code, message);
}
