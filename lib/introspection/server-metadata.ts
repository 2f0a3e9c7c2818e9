import { z } from 'zod';
import type { Clock } from '../core/clock.js';
import { remedyForUrl } from '../core/endpoint-url.js';
import { IntrospectionError } from '../core/errors.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { remedyFor } from '../diagnostics/remedies.js';
import { createBackoff } from './backoff.js';
import { type Endpoint, type EndpointResponse, textOf, toEndpoint } from './http.js';
import { isJson, parseJson } from './json.js';
import { requestedPauseOf } from './retry-after.js';
import type { Transport } from './transport.js';

/** Location and metadata of the authorization server. */
export interface AuthorizationServer {
  /** Issuer identifier, if known. */
  readonly issuer: string | undefined;
  readonly endpoint: Endpoint;
  /** URL of the server's public keys; `undefined` if the metadata have no usable URL for them. */
  readonly jwksUri: URL | undefined;
  /** Client authentication methods that the endpoint of this server accepts; `undefined` if the metadata do not list them. */
  readonly authMethods: readonly string[] | undefined;
  /** Algorithms of client assertions that the endpoint of this server accepts; `undefined` if the metadata do not list them. */
  readonly authSigningAlgorithms: readonly string[] | undefined;
}

export interface DiscoverySettings {
  readonly issuer: string;
  /** Whether the client presents a certificate. The server may have a separate endpoint for such clients (RFC 8705 section 5). */
  readonly usesMutualTls: boolean;
  readonly allowHttp: boolean;
  readonly get: Transport['get'];
  readonly clock: Clock;
}

const OK = 200;

/** Known metadata are refreshed when they are older than this many milliseconds. The refresh runs in the background. */
const REFRESH_MS = 3_600_000;
/** Shortest pause after a failed refresh of known metadata, in milliseconds. The server may ask for a longer pause. */
const REFRESH_RETRY_MS = 60_000;

/** Shortest pause after a failure while no metadata are known, in milliseconds. The server may ask for a longer pause. */
const COOLDOWN_MS = 1000;

/** Members of RFC 8414 section 2 that are used here. */
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

const OTHER_ISSUER = 'another issuer in the metadata';
const NO_ENDPOINT = 'no introspection_endpoint in the metadata';
const UNUSABLE_ENDPOINT = 'introspection_endpoint is no https URL';
/** Error details of mistakes in the metadata. Unlike other failures, these mistakes do not end by themselves. */
const MISTAKES: readonly unknown[] = [OTHER_ISSUER, NO_ENDPOINT, UNUSABLE_ENDPOINT];

/**
 * Returns a function that finds an authorization server by its issuer identifier: [RFC 8414](https://www.rfc-editor.org/rfc/rfc8414) first,
 * then OpenID Connect Discovery. Concurrent callers share one attempt. Known metadata stay in use while a refresh runs, and also if the
 * refresh fails. Without known metadata, a failure starts a pause: until the pause ends, the promise of the function rejects with that
 * failure.
 */
export function createDiscovery(settings: DiscoverySettings): () => AuthorizationServer | Promise<AuthorizationServer> {
  const { clock } = settings;
  const metadata = createMetadataSchema();
  const backoff = createBackoff(clock);
  let known: AuthorizationServer | undefined;
  let pending: Promise<AuthorizationServer> | undefined;
  let refreshAt = Number.NEGATIVE_INFINITY;
  const alarm = createWarning('DISCOVERY_FAILED');

  async function discover(): Promise<AuthorizationServer> {
    try {
      known = await find(settings, metadata);
      refreshAt = clock.monotonic() + REFRESH_MS;
      return known;
    } catch (error) {
      const failure = error as IntrospectionError;
      if (MISTAKES.includes(failure.detail)) {
        const { code, detail } = failure;
        alarm(`The metadata of the authorization server cannot be used. ${remedyFor(code, detail)}`, detail);
      }
      backoff.start(failure, known === undefined ? COOLDOWN_MS : REFRESH_RETRY_MS);
      throw failure;
    } finally {
      pending = undefined;
    }
  }

  return () => {
    if (pending !== undefined) return known ?? pending;
    if (known !== undefined && clock.monotonic() < refreshAt) return known;
    const failure = backoff.failure();
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
    const response = await settings.get(url, 'application/json').catch(asDiscoveryFailure);
    const pauseSeconds = requestedPauseOf(response, settings.clock.now());
    // The other URLs are not tried, because they are on the same host.
    if (pauseSeconds !== undefined) throw failed(`HTTP ${response.status}`, pauseSeconds);
    try {
      return read(response, settings, metadata);
    } catch (error) {
      failure = moreSpecific(failure, error as IntrospectionError);
    }
  }
  throw failure;
}

/** URLs to try, in this order: RFC 8414 section 3.1, RFC 8414 section 5, OpenID Connect Discovery 1.0 section 4. */
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
  response: EndpointResponse,
  { issuer, usesMutualTls, allowHttp }: DiscoverySettings,
  metadata: MetadataSchema,
): AuthorizationServer {
  if (response.status !== OK) throw failed(`HTTP ${response.status}`);
  if (!isJson(response)) throw failed('media type');
  const { success, data } = metadata.safeParse(jsonOf(response));
  if (!success) throw failed('not metadata');
  // The comparison is exact (RFC 8414 section 3.3). Metadata of another issuer would send our tokens and credentials to that issuer.
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

function jsonOf(response: EndpointResponse): unknown {
  try {
    return parseJson(textOf(response));
  } catch (error) {
    throw failed((error as IntrospectionError).detail ?? 'not JSON');
  }
}

/**
 * A URL of the metadata, or `undefined` if it is not safe to use. Metadata that came over TLS must not lead to an `http:` URL, which is
 * usually an address behind a proxy. `allowHttp` permits such a URL.
 */
function usableUrl(text: string | null | undefined, issuer: string, allowHttp: boolean): URL | undefined {
  const url = URL.canParse(text ?? '') ? new URL(text ?? '') : undefined;
  if (url === undefined || remedyForUrl(url, allowHttp) !== undefined) return undefined;
  return url.protocol === 'https:' || allowHttp || issuer.startsWith('http:') ? url : undefined;
}

/**
 * Returns the more specific of two failures, or the first if they are equally specific. For example, a 404 from one well-known URL is less
 * specific than wrong metadata from another URL.
 */
function moreSpecific(first: IntrospectionError | undefined, next: IntrospectionError): IntrospectionError {
  return first === undefined || specificity(next) > specificity(first) ? next : first;
}

function specificity({ detail }: IntrospectionError): number {
  if (MISTAKES.includes(detail)) return 3;
  if (detail?.startsWith('HTTP ') !== true) return 2;
  return detail === 'HTTP 404' ? 0 : 1;
}

function asDiscoveryFailure(error: IntrospectionError): never {
  throw failed(error.detail ?? error.code);
}

function failed(detail: string, retryAfterSeconds?: number): IntrospectionError {
  return new IntrospectionError('discovery_failed', detail, retryAfterSeconds);
}
