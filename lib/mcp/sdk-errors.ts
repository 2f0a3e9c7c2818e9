/** Made from a message. */
export type MessageErrorClass = new (message: string) => Error;

/** The errors of the SDK's version 1: `import * as errors from '@modelcontextprotocol/sdk/server/auth/errors.js'`. */
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

/** Made from a code of OAuth and a message. */
export type OAuthErrorClass = new (code: string, message: string) => Error;

/** The error of the SDK's version 2: `import { OAuthError } from '@modelcontextprotocol/server'`. */
export interface SdkErrorsV2 {
  /** Its code tells which status it becomes. */
  readonly OAuthError: OAuthErrorClass;
}

/** Those of either version. */
export type SdkErrors = SdkErrorsV1 | SdkErrorsV2;

export type SdkErrorCode = keyof typeof CLASSES;

const CLASSES = {
  invalid_request: 'InvalidRequestError',
  invalid_token: 'InvalidTokenError',
  insufficient_scope: 'InsufficientScopeError',
  server_error: 'ServerError',
} as const satisfies Record<string, keyof SdkErrorsV1>;

const V1 = '@modelcontextprotocol/sdk/server/auth/errors.js';
const V2 = '@modelcontextprotocol/server';

let installed: Promise<readonly SdkErrors[]> | undefined;

/**
 * An error that the SDK's own middleware takes for what it is; `undefined` where no SDK can be found.
 *
 * @param given what to make it of, instead of what is installed
 */
export async function createSdkError(
  code: SdkErrorCode,
  message: string,
  given: SdkErrors | undefined,
): Promise<Error | undefined> {
  const sdks = given === undefined ? await installedSdks() : [given];
  const [error, other] = sdks.map((sdk) =>
    'InvalidTokenError' in sdk ? new sdk[CLASSES[code]](message) : new sdk.OAuthError(code, message),
  );
  // Version 2 knows its errors by what is on them, version 1 by their class: one error can be both.
  return error && other ? Object.defineProperties(error, Object.getOwnPropertyDescriptors(other)) : error;
}

function installedSdks(): Promise<readonly SdkErrors[]> {
  installed ??= findInstalled();
  return installed;
}

async function findInstalled(): Promise<readonly SdkErrors[]> {
  const found = await Promise.all([
    loaded<SdkErrorsV1>(V1) ?? import('@modelcontextprotocol/sdk/server/auth/errors.js').catch(nothing),
    loaded<SdkErrorsV2>(V2) ?? import('@modelcontextprotocol/server').catch(nothing),
  ]);
  return found.filter((sdk) => sdk !== undefined);
}

/** Where the app has it by `require`, another copy by `import` would have other classes. */
function loaded<Sdk>(name: string): Sdk | undefined {
  try {
    return require.cache[require.resolve(name)]?.exports;
  } catch {
    return undefined;
  }
}

function nothing(): undefined {}
