import { z } from 'zod';
import type { Clock } from '../core/clock.js';
import { remedyForUrl } from '../core/endpoint-url.js';
import { IntrospectionError } from '../core/errors.js';
import { createAlarm } from '../diagnostics/misconfiguration.js';
import { remedyFor } from '../diagnostics/remedies.js';
import { createCooldown } from './cooldown.js';
import { type Endpoint, type EndpointResponse, textOf, toEndpoint } from './http.js';
import { isJson, parseJson } from './json.js';
import { requestedPauseOf } from './retry-after.js';
import type { Transport } from './transport.js';

/** Who is asked, and what is known of it. */
export interface AuthorizationServer {
  /** The issuer identifier, where it is known. */
  readonly issuer: string | undefined;
  readonly endpoint: Endpoint;
  /** Where its public keys are. */
  readonly jwksUri: URL | undefined;
  /** The methods of client authentication its endpoint takes, where it says so. */
  readonly authMethods: readonly string[] | undefined;
  /** The algorithms of client assertions its endpoint takes, where it says so. */
  readonly authSigningAlgorithms: readonly string[] | undefined;
}

export interface DiscoverySettings {
  readonly issuer: string;
  /** Whether the client presents a certificate, for which there may be an endpoint of its own (RFC 8705 section 5). */
  readonly usesMutualTls: boolean;
  readonly allowHttp: boolean;
  readonly get: Transport['get'];
  readonly clock: Clock;
}

const OK = 200;

/** What was found is looked at anew this often, in the background. */
const REFRESH_MS = 3_600_000;
const REFRESH_RETRY_MS = 60_000;

/** Shortest pause after a failure while nothing is known yet. */
const COOLDOWN_MS = 1000;

/** RFC 8414 section 2, as far as it matters here. */
function createMetadataSchema() {
  const text = z.string().nullish();
  const list = z.array(z.string()).nullish();
  return z.object({
    issuer: z.string(),
    introspection_endpoint: text,
    introspection_endpoint_auth_methods_supported: list,
    introspection_endpoint_auth_signing_alg_values_supported: list,
    jwks_uri: text,
    mtls_endpoint_aliases: z.object({ introspection_endpoint: text }).nullish(),
  });
}

type MetadataSchema = ReturnType<typeof createMetadataSchema>;

/** What no waiting mends; anything else may be an outage. */
const OTHER_ISSUER = 'another issuer in the metadata';
const NO_ENDPOINT = 'no introspection_endpoint in the metadata';
const UNUSABLE_ENDPOINT = 'introspection_endpoint is no https URL';
const MISTAKES: readonly unknown[] = [OTHER_ISSUER, NO_ENDPOINT, UNUSABLE_ENDPOINT];

/**
 * Finds an authorization server by its issuer identifier ([RFC 8414](https://www.rfc-editor.org/rfc/rfc8414), then OpenID
 * Connect Discovery): once, however many wait for it. What was found stays in use while it is looked at anew.
 */
export function createDiscovery(settings: DiscoverySettings): () => AuthorizationServer | Promise<AuthorizationServer> {
  const { clock } = settings;
  const metadata = createMetadataSchema();
  const cooldown = createCooldown(clock);
  let known: AuthorizationServer | undefined;
  let pending: Promise<AuthorizationServer> | undefined;
  let dueAt = Number.NEGATIVE_INFINITY;
  const alarm = createAlarm('DISCOVERY_FAILED');

  async function discover(): Promise<AuthorizationServer> {
    try {
      known = await find(settings, metadata);
      dueAt = clock.monotonic() + REFRESH_MS;
      return known;
    } catch (error) {
      const failure = error as IntrospectionError;
      if (MISTAKES.includes(failure.detail)) {
        const { code, detail } = failure;
        alarm(`The metadata of the authorization server cannot be used. ${remedyFor(code, detail)}`, detail);
      }
      cooldown.begin(failure, known === undefined ? COOLDOWN_MS : REFRESH_RETRY_MS);
      throw failure;
    } finally {
      pending = undefined;
    }
  }

  return () => {
    if (pending !== undefined) return known ?? pending;
    if (known !== undefined && clock.monotonic() < dueAt) return known;
    const failure = cooldown.failure();
    if (failure !== undefined) return known ?? Promise.reject(failure);
    pending = discover();
    pending.catch(() => {});
    return known ?? pending;
  };
}

/** @throws IntrospectionError `discovery_failed` */
async function find(settings: DiscoverySettings, metadata: MetadataSchema): Promise<AuthorizationServer> {
  let failure: IntrospectionError | undefined;
  for (const url of wellKnownUrls(settings.issuer)) {
    const reply = await settings.get(url, 'application/json').catch(rethrow);
    const pauseSeconds = requestedPauseOf(reply, settings.clock.now());
    // The other addresses are on the same host.
    if (pauseSeconds !== undefined) throw failed(`HTTP ${reply.status}`, pauseSeconds);
    try {
      return read(reply, settings, metadata);
    } catch (error) {
      failure = moreTelling(failure, error as IntrospectionError);
    }
  }
  throw failure;
}

/** In this order: RFC 8414 section 3.1, its section 5, OpenID Connect Discovery 1.0 section 4. */
function wellKnownUrls(issuer: string): URL[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const urls = new Set([
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ]);
  return [...urls].map((url) => new URL(url));
}

function read(
  reply: EndpointResponse,
  { issuer, usesMutualTls, allowHttp }: DiscoverySettings,
  metadata: MetadataSchema,
): AuthorizationServer {
  if (reply.status !== OK) throw failed(`HTTP ${reply.status}`);
  if (!isJson(reply)) throw failed('media type');
  const { success, data } = metadata.safeParse(jsonOf(reply));
  if (!success) throw failed('not metadata');
  // Code point by code point (section 3.3): another issuer's metadata would send our tokens and credentials to it.
  if (data.issuer !== issuer) throw failed(OTHER_ISSUER);
  const alias = usesMutualTls ? data.mtls_endpoint_aliases?.introspection_endpoint : undefined;
  const endpoint = alias ?? data.introspection_endpoint;
  if (typeof endpoint !== 'string') throw failed(NO_ENDPOINT);
  const url = usableUrl(endpoint, issuer, allowHttp);
  if (url === undefined) throw failed(UNUSABLE_ENDPOINT);
  return {
    issuer,
    endpoint: toEndpoint(url),
    jwksUri: usableUrl(data.jwks_uri, issuer, allowHttp),
    authMethods: data.introspection_endpoint_auth_methods_supported ?? undefined,
    authSigningAlgorithms: data.introspection_endpoint_auth_signing_alg_values_supported ?? undefined,
  };
}

function jsonOf(reply: EndpointResponse): unknown {
  try {
    return parseJson(textOf(reply));
  } catch (error) {
    throw failed((error as IntrospectionError).detail ?? 'not JSON');
  }
}

/** What comes over TLS leads nowhere else: an `http:` URL there is the address behind somebody's proxy, not ours to ask. */
function usableUrl(given: string | null | undefined, issuer: string, allowHttp: boolean): URL | undefined {
  const url = URL.canParse(given ?? '') ? new URL(given ?? '') : undefined;
  if (url === undefined || remedyForUrl(url, allowHttp) !== undefined) return undefined;
  return url.protocol === 'https:' || allowHttp || issuer.startsWith('http:') ? url : undefined;
}

/** Several places are asked: that one of them had nothing says less than what another one had. */
function moreTelling(first: IntrospectionError | undefined, next: IntrospectionError): IntrospectionError {
  return first === undefined || weight(next) > weight(first) ? next : first;
}

function weight({ detail }: IntrospectionError): number {
  if (MISTAKES.includes(detail)) return 3;
  if (detail?.startsWith('HTTP ') !== true) return 2;
  return detail === 'HTTP 404' ? 0 : 1;
}

function rethrow(error: IntrospectionError): never {
  throw failed(error.detail ?? error.code);
}

function failed(detail: string, retryAfterSeconds?: number): IntrospectionError {
  return new IntrospectionError('discovery_failed', detail, retryAfterSeconds);
}
