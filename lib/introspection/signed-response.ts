import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Clock, Instant } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import { mediaType } from '../core/syntax.js';
import { MISTAKES } from './discovery.js';
import { codeOf, type EndpointResponse, headerOf, textOf } from './http.js';
import { parseJson } from './json.js';
import { createKeySet, type KeySet, type KeySource } from './key-set.js';
import type { AuthorizationServer } from './server-metadata.js';
import type { Transport } from './transport.js';

export interface SignedResponseSettings {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  /** Keys that verify the signature. `undefined` means the keys at the `jwks_uri` of the metadata. */
  readonly keys: KeySource | undefined;
  /** If this key is defined, responses must be encrypted for it. */
  readonly decryptionKey: KeyObject | undefined;
}

/**
 * Verifies a signed response, and resolves to the plain response inside it. If the status is not 200, it resolves to the response
 * unchanged.
 *
 * @throws IntrospectionError `bad_response` when the response is not valid, or `discovery_failed` when its keys cannot be found
 */
export type VerifyResponse = (
  response: EndpointResponse,
  server: AuthorizationServer,
  sentAt: Instant,
) => Promise<EndpointResponse>;

export const SIGNED_MEDIA_TYPE = 'application/token-introspection+jwt';

const OK = 200;
const TYPE = /^(?:application\/)?token-introspection\+jwt$/i;

/**
 * Allowed difference between the `iat` of a response and the time of its request, in milliseconds. The clocks of two machines may differ.
 */
const MAX_SKEW_MS = 60_000;

/** After the keys were fetched, a response that is signed with an unknown key causes no new fetch for this many milliseconds. */
const KEYS_COOLDOWN_MS = 1000;

/**
 * Accepted algorithms of encrypted responses: only those that encrypt for a public key. This API shares no password and no secret key for
 * encryption with the server.
 */
const DECRYPTION = {
  keyManagementAlgorithms: [
    'RSA-OAEP',
    'RSA-OAEP-256',
    'RSA-OAEP-384',
    'RSA-OAEP-512',
    'ECDH-ES',
    'ECDH-ES+A128KW',
    'ECDH-ES+A192KW',
    'ECDH-ES+A256KW',
  ],
};

/**
 * Returns a function that verifies JWT responses ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)). A response with status 200 that is
 * not such a JWT is an outage.
 */
export function createResponseVerifier(
  settings: SignedResponseSettings,
  get: Transport['get'],
  clock: Clock,
): VerifyResponse {
  const { algorithms, decryptionKey } = settings;
  const schema = createPayloadSchema();
  let found: { readonly source: unknown; readonly keys: KeySet } | undefined;

  /**
   * Returns the keys that verify a response. All responses share one set of keys, so that the keys are not fetched for each response. A new
   * `jwks_uri` replaces the set.
   *
   * @throws IntrospectionError `discovery_failed` when neither the settings nor the metadata have keys
   */
  function keysOf(server: AuthorizationServer): KeySet {
    const keys = settings.keys ?? server.jwksUri;
    if (keys === undefined) throw new IntrospectionError('discovery_failed', MISTAKES.noKeys);
    const source = keys instanceof URL ? keys.href : keys;
    if (found?.source !== source) {
      found = { source, keys: createKeySet(keys, { get, clock, cooldownMs: KEYS_COOLDOWN_MS }) };
    }
    return found.keys;
  }

  async function verify(jwt: string, server: AuthorizationServer): Promise<string> {
    const { compactDecrypt } = await import('jose');
    try {
      const keys = keysOf(server);
      const decrypted = decryptionKey && (await compactDecrypt(jwt, decryptionKey, DECRYPTION));
      const { payload, protectedHeader } = await keys.verify(decrypted?.plaintext ?? jwt, algorithms);
      if (!isSignedResponse(protectedHeader)) throw unusable('typ');
      return new TextDecoder('utf-8', { fatal: true }).decode(payload);
    } catch (error) {
      throw error instanceof IntrospectionError ? error : unusable(codeOf(error) ?? 'not a signed reply');
    }
  }

  return async (response, server, sentAt) => {
    if (response.status !== OK) return response;
    const jwt = textOf(response);
    if (mediaType(headerOf(response, 'content-type')) !== SIGNED_MEDIA_TYPE) throw unusable('not signed');
    const { success, data, error } = schema.safeParse(parseJson(await verify(jwt, server)));
    if (!success) throw unusable(`member ${String(error.issues[0]?.path[0])}`);
    if (data.iss !== settings.issuer) throw unusable('iss');
    if (![data.aud].flat().some((aud) => settings.audience.includes(aud))) throw unusable('aud');
    if (Math.abs(data.iat * 1000 - sentAt.at) > MAX_SKEW_MS) throw unusable('iat');
    const headers = { ...response.headers, 'content-type': 'application/json' };
    return { ...response, headers, body: textOfJson(data.token_introspection) };
  };
}

/**
 * Whether the header has the `typ` of a signed response. The `typ` must be a string, because a regular expression would also accept a list
 * with one matching item.
 */
function isSignedResponse(header: object): boolean {
  const typ: unknown = ownMember(header as { readonly typ?: unknown }, 'typ');
  return typeof typ === 'string' && TYPE.test(typ);
}

/**
 * Writes a value as JSON.
 *
 * @throws IntrospectionError `bad_response` for a value that is nested too deeply: `JSON.parse` can read it, but `JSON.stringify` cannot
 * write it
 */
function textOfJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    throw unusable('nesting');
  }
}

/**
 * Creates the schema for the payload of RFC 9701 section 5. Members that the schema does not list are ignored, because they say nothing
 * about the token.
 */
function createPayloadSchema() {
  return z.object({
    iss: z.string(),
    aud: z.union([z.string(), z.array(z.string())]),
    iat: z.number(),
    token_introspection: z.looseObject({}),
  });
}

function unusable(detail: string): IntrospectionError {
  return new IntrospectionError('bad_response', `signed reply: ${detail}`);
}
