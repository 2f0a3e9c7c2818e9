/** An error class of the MCP SDK whose constructor takes only a message. */
export type MessageErrorClass = new (message: string) => Error;

/** The error classes of version 1 of the MCP SDK: `import * as errors from '@modelcontextprotocol/sdk/server/auth/errors.js'`. */
export interface SdkErrorsV1 {
  /** Error class of the MCP SDK. The SDK responds to such an error with 400. */
  readonly InvalidRequestError: MessageErrorClass;
  /** Error class of the MCP SDK. The SDK responds to such an error with 401. */
  readonly InvalidTokenError: MessageErrorClass;
  /** Error class of the MCP SDK. The SDK responds to such an error with 403. */
  readonly InsufficientScopeError: MessageErrorClass;
  /** Error class of the MCP SDK. The SDK responds to such an error with 500. */
  readonly ServerError: MessageErrorClass;
}

/** An error class of the MCP SDK whose constructor takes an OAuth error code and then a message. */
export type OAuthErrorClass = new (code: string, message: string) => Error;

/** The error class of version 2 of the MCP SDK: `import { OAuthError } from '@modelcontextprotocol/server'`. */
export interface SdkErrorsV2 {
  /** Error class of the MCP SDK. The error code of such an error determines the status of the SDK's response. */
  readonly OAuthError: OAuthErrorClass;
}

/** The error classes of version 1 or of version 2 of the MCP SDK. */
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

/** Creates an error to which the middleware of the MCP SDK responds with the status that belongs to `code`. */
export function createSdkError(errors: SdkErrors, code: SdkErrorCode, message: string): Error {
  return 'InvalidTokenError' in errors ? new errors[CLASSES[code]](message) : new errors.OAuthError(code, message);
}
