import type { Clock } from '../core/clock.js';
import { remedyForUrl } from '../core/endpoint-url.js';
import { IntrospectionError } from '../core/errors.js';
import { createBackoff } from './backoff.js';
import { type EndpointResponse, textOf } from './http.js';
import { isJson, parseJson } from './json.js';
import { requestedPauseOf } from './retry-after.js';
import type { Transport } from './transport.js';

export interface DiscoverySettings<Metadata> {
  /** URLs of the metadata, in the order in which to try them. All are on the host of the issuer. */
  readonly urls: readonly URL[];
  readonly get: Transport['get'];
  readonly clock: Clock;
  /**
   * Shortest pause after a failure while no metadata are known, in milliseconds, at least 1000. The server may ask for a longer pause. Default:
   * 1000.
   */
  readonly failurePauseMs?: number;
  /**
   * Reads the metadata from a JSON document. One of the URLs has returned this document.
   *
   * @throws IntrospectionError `discovery_failed`, see {@link discoveryFailure}
   */
  readonly read: (document: unknown) => Metadata;
  /** Is called for each failure that only an operator can end: a failure whose detail is one of {@link MISTAKES}. */
  readonly onMistake: (failure: IntrospectionError) => void;
}

const OK = 200;

/** Known metadata are refreshed when they are older than this many milliseconds. The refresh runs in the background. */
const REFRESH_MS = 3_600_000;
/** Shortest pause after a failed refresh of known metadata, in milliseconds. The server may ask for a longer pause. */
const REFRESH_RETRY_MS = 60_000;

/** Shortest pause after a failure while no metadata are known, in milliseconds. The server may ask for a longer pause. */
const COOLDOWN_MS = 1000;

/** Error details of mistakes in the metadata. Unlike other failures, these mistakes do not end by themselves. */
export const MISTAKES = {
  otherIssuer: 'another issuer in the metadata',
  noEndpoint: 'no introspection_endpoint in the metadata',
  unusableEndpoint: 'introspection_endpoint is no https URL',
  noKeys: 'no jwks_uri in the metadata',
} as const;

/**
 * Returns a function that finds the metadata of an issuer. It tries the URLs in their order, and uses the first document that can be read.
 * Concurrent callers share one attempt. Known metadata stay in use while a refresh runs, and also if the refresh fails. If no metadata are
 * known, a failure starts a pause. Until the pause ends, the promise of the function rejects with that failure.
 */
export function createDiscovery<Metadata extends object>(
  settings: DiscoverySettings<Metadata>,
): () => Metadata | Promise<Metadata> {
  const { clock, failurePauseMs = COOLDOWN_MS } = settings;
  const backoff = createBackoff(clock);
  let known: Metadata | undefined;
  let pending: Promise<Metadata> | undefined;
  let refreshAt = Number.NEGATIVE_INFINITY;

  async function discover(): Promise<Metadata> {
    try {
      known = await find(settings);
      refreshAt = clock.monotonic() + REFRESH_MS;
      return known;
    } catch (error) {
      const failure = error as IntrospectionError;
      if (isMistake(failure)) settings.onMistake(failure);
      backoff.start(failure, known === undefined ? failurePauseMs : REFRESH_RETRY_MS);
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

/**
 * Fetches the metadata from the first URL whose document can be read.
 *
 * @throws IntrospectionError `discovery_failed` if there is no such URL
 */
async function find<Metadata>(settings: DiscoverySettings<Metadata>): Promise<Metadata> {
  let failure: IntrospectionError | undefined;
  for (const url of settings.urls) {
    const response = await settings.get(url, 'application/json').catch(asDiscoveryFailure);
    const pauseSeconds = requestedPauseOf(response, settings.clock.now());
    // The other URLs are not tried, because they are on the same host.
    if (pauseSeconds !== undefined) throw discoveryFailure(`HTTP ${response.status}`, pauseSeconds);
    try {
      return readResponse(response, settings);
    } catch (error) {
      failure = moreSpecific(failure, error as IntrospectionError);
    }
  }
  throw failure;
}

function readResponse<Metadata>(response: EndpointResponse, { read }: DiscoverySettings<Metadata>): Metadata {
  if (response.status !== OK) throw discoveryFailure(`HTTP ${response.status}`);
  if (!isJson(response)) throw discoveryFailure('media type');
  return read(jsonOf(response));
}

function jsonOf(response: EndpointResponse): unknown {
  try {
    return parseJson(textOf(response));
  } catch (error) {
    throw discoveryFailure((error as IntrospectionError).detail ?? 'not JSON');
  }
}

/**
 * Parses a URL in metadata. Returns `undefined` if the URL is missing, invalid or not safe to use. If the issuer has an `https:` URL, its
 * metadata must not lead to an `http:` URL, which is usually an address behind a proxy, unless `allowHttp` is `true`.
 */
export function usableUrl(text: string | null | undefined, issuer: string, allowHttp: boolean): URL | undefined {
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

function isMistake({ detail }: Pick<IntrospectionError, 'detail'>): boolean {
  return (Object.values(MISTAKES) as unknown[]).includes(detail);
}

function specificity({ detail }: IntrospectionError): number {
  if (isMistake({ detail })) return 3;
  if (detail?.startsWith('HTTP ') !== true) return 2;
  return detail === 'HTTP 404' ? 0 : 1;
}

function asDiscoveryFailure(error: IntrospectionError): never {
  throw discoveryFailure(error.detail ?? error.code);
}

export function discoveryFailure(detail: string, retryAfterSeconds?: number): IntrospectionError {
  return new IntrospectionError('discovery_failed', detail, retryAfterSeconds);
}
