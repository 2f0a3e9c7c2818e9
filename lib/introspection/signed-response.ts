import type { JsonWebKey, KeyObject } from 'node:crypto';
import type { CompactVerifyResult, JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { Clock, Instant } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import { mediaType } from '../core/syntax.js';
import { createCooldown } from './cooldown.js';
import { codeOf, type EndpointResponse, headerOf, textOf } from './http.js';
import { parseJson } from './json.js';
import { requestedPauseOf } from './retry-after.js';
import type { AuthorizationServer } from './server-metadata.js';
import type { Transport } from './transport.js';

export interface SignedResponseSettings {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  /** `undefined`: those that the metadata name. */
  readonly keys: URL | JwkSet | KeyObject | undefined;
  /** Given: replies must be encrypted. */
  readonly decryptionKey: KeyObject | undefined;
}

/** Not jose's own: in published types, those of an ES module do not compile under `node16`. */
export interface JwkSet {
  readonly keys: readonly JsonWebKey[];
}

/** Turns a signed reply into the plain one it holds. */
export type OpenReply = (
  reply: EndpointResponse,
  server: AuthorizationServer,
  asked: Instant,
) => Promise<EndpointResponse>;

type Keys = JWTVerifyGetKey | KeyObject;

export const SIGNED_MEDIA_TYPE = 'application/token-introspection+jwt';

const OK = 200;
const TYPE = /^(?:application\/)?token-introspection\+jwt$/i;

/** How far the two clocks may be apart. */
const MAX_SKEW_MS = 60_000;

/** After a look at the keys, this long passes before the next for a key that is not among them. */
const KEYS_COOLDOWN_MS = 1000;
const KEYS_MAX_AGE_MS = 600_000;

/** What is encrypted for a public key; a password or a shared key is nothing that a server could have of us. */
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

/** Verifies JWT replies ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)): a reply of any other kind is an outage. */
export function createResponseVerifier(
  settings: SignedResponseSettings,
  get: Transport['get'],
  clock: Clock,
): OpenReply {
  const { algorithms, decryptionKey } = settings;
  const schema = createPayloadSchema();
  let found: { readonly source: unknown; readonly keys: Promise<Keys> } | undefined;

  /** Opened once for however many replies wait, so that they share one look at the keys. */
  function keysOf(server: AuthorizationServer): Promise<Keys> {
    const keys = settings.keys ?? server.jwksUri;
    if (keys === undefined) throw new IntrospectionError('discovery_failed', 'no jwks_uri in the metadata');
    const source = keys instanceof URL ? keys.href : keys;
    if (found?.source !== source) found = { source, keys: openKeys(keys, get, clock) };
    return found.keys;
  }

  async function verify(reply: string, server: AuthorizationServer): Promise<string> {
    const { compactDecrypt } = await import('jose');
    try {
      const keys = await keysOf(server);
      const decrypted = decryptionKey && (await compactDecrypt(reply, decryptionKey, DECRYPTION));
      const { payload, protectedHeader } = await verifySignature(decrypted?.plaintext ?? reply, keys, algorithms);
      if (!isSignedReply(protectedHeader)) throw unusable('typ');
      return new TextDecoder('utf-8', { fatal: true }).decode(payload);
    } catch (error) {
      throw error instanceof IntrospectionError ? error : unusable(codeOf(error) ?? 'not a signed reply');
    }
  }

  return async (reply, server, asked) => {
    if (reply.status !== OK) return reply;
    const jwt = textOf(reply);
    if (mediaType(headerOf(reply, 'content-type')) !== SIGNED_MEDIA_TYPE) throw unusable('not signed');
    const { success, data, error } = schema.safeParse(parseJson(await verify(jwt, server)));
    if (!success) throw unusable(`member ${String(error.issues[0]?.path[0])}`);
    if (data.iss !== settings.issuer) throw unusable('iss');
    if (![data.aud].flat().some((aud) => settings.audience.includes(aud))) throw unusable('aud');
    if (Math.abs(data.iat * 1000 - asked.at) > MAX_SKEW_MS) throw unusable('iat');
    const headers = { ...reply.headers, 'content-type': 'application/json' };
    return { ...reply, headers, body: textOfJson(data.token_introspection) };
  };
}

/** A list of types must not pass: a regular expression would read it as a string. */
function isSignedReply(header: object): boolean {
  const typ: unknown = ownMember(header as { readonly typ?: unknown }, 'typ');
  return typeof typ === 'string' && TYPE.test(typ);
}

/** `JSON.parse` reads values that are nested more deeply than `JSON.stringify` can write. */
function textOfJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    throw unusable('nesting');
  }
}

/** RFC 9701 section 5. What else is beside `token_introspection` says nothing about the token. */
function createPayloadSchema() {
  return z.object({
    iss: z.string(),
    aud: z.union([z.string(), z.array(z.string())]),
    iat: z.number(),
    token_introspection: z.looseObject({}),
  });
}

/** A reply that does not name its key is tried with each that it may be: there are two while the server changes them. */
async function verifySignature(
  jws: string | Uint8Array,
  keys: Keys,
  algorithms: readonly string[],
): Promise<CompactVerifyResult> {
  const { compactVerify, errors } = await import('jose');
  const options = { algorithms: [...algorithms] };
  if (typeof keys !== 'function') return compactVerify(jws, keys, options);
  try {
    return await compactVerify(jws, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let last: unknown = error;
    for await (const key of error) {
      try {
        return await compactVerify(jws, key, options);
      } catch (failure) {
        last = failure;
      }
    }
    throw last;
  }
}

async function openKeys(keys: URL | JwkSet | KeyObject, get: Transport['get'], clock: Clock): Promise<Keys> {
  const { createLocalJWKSet, createRemoteJWKSet, customFetch } = await import('jose');
  if (!(keys instanceof URL)) return 'keys' in keys ? createLocalJWKSet(keys as JSONWebKeySet) : keys;
  return createRemoteJWKSet(keys, {
    cooldownDuration: KEYS_COOLDOWN_MS,
    cacheMaxAge: KEYS_MAX_AGE_MS,
    [customFetch]: fetchKeys(keys, get, clock),
  });
}

/** Fetches the keys over our own connections, with their deadline and their bounds, and pauses when the server asks for it. */
function fetchKeys(url: URL, get: Transport['get'], clock: Clock): () => Promise<Response> {
  const cooldown = createCooldown(clock);
  return async () => {
    const paused = cooldown.failure();
    if (paused !== undefined) throw paused;
    const reply = await get(url, 'application/jwk-set+json, application/json').catch((error: IntrospectionError) => {
      throw noKeys(error.detail ?? error.code);
    });
    if (reply.status === OK) return new Response(textOf(reply));
    const pauseSeconds = requestedPauseOf(reply, clock.now());
    const failure = noKeys(`HTTP ${reply.status}`, pauseSeconds);
    if (pauseSeconds !== undefined) cooldown.begin(failure, pauseSeconds * 1000);
    throw failure;
  };
}

function noKeys(detail: string, retryAfterSeconds?: number): IntrospectionError {
  return new IntrospectionError('discovery_failed', `jwks_uri: ${detail}`, retryAfterSeconds);
}

function unusable(detail: string): IntrospectionError {
  return new IntrospectionError('bad_response', `signed reply: ${detail}`);
}
