import { z } from 'zod';
import type { Clock } from '../core/clock.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { remedyFor } from '../diagnostics/remedies.js';
import { createDiscovery, discoveryFailure, MISTAKES, usableUrl } from './discovery.js';
import { type Endpoint, toEndpoint } from './http.js';
import type { Transport } from './transport.js';

/** The authorization server: its endpoint, and what is known from its metadata. */
export interface AuthorizationServer {
  /** Issuer identifier; `undefined` if it is not known. */
  readonly issuer: string | undefined;
  readonly endpoint: Endpoint;
  /** URL of the server's public keys; `undefined` if the metadata have no usable URL for them. */
  readonly jwksUri: URL | undefined;
  /** Client authentication methods that the endpoint of this server accepts; `undefined` if the metadata do not list them. */
  readonly authMethods: readonly string[] | undefined;
  /** Algorithms of client assertions that the endpoint of this server accepts; `undefined` if the metadata do not list them. */
  readonly authSigningAlgorithms: readonly string[] | undefined;
}

export interface ServerDiscoverySettings {
  readonly issuer: string;
  /**
   * Whether this API presents a client certificate. The server may have a separate endpoint for clients with certificates (RFC 8705 section
   * 5).
   */
  readonly usesMutualTls: boolean;
  readonly allowHttp: boolean;
  readonly get: Transport['get'];
  readonly clock: Clock;
}

/** Creates a schema of the metadata, with the members of RFC 8414 section 2 that this file reads. */
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

/**
 * Returns a function that finds an authorization server by its issuer identifier: [RFC 8414](https://www.rfc-editor.org/rfc/rfc8414) first,
 * then OpenID Connect Discovery.
 */
export function createServerDiscovery(
  settings: ServerDiscoverySettings,
): () => AuthorizationServer | Promise<AuthorizationServer> {
  const metadata = createMetadataSchema();
  const alarm = createWarning('DISCOVERY_FAILED');
  return createDiscovery({
    ...settings,
    urls: wellKnownUrls(settings.issuer),
    read: (document) => read(document, settings, metadata),
    onMistake: ({ code, detail }) =>
      alarm(`The metadata of the authorization server cannot be used. ${remedyFor(code, detail)}`, detail),
  });
}

/**
 * Returns the URLs at which the metadata of an issuer may be, in the order in which to try them: those of RFC 8414 section 3.1, RFC 8414
 * section 5, and OpenID Connect Discovery 1.0 section 4.
 */
export function wellKnownUrls(issuer: string): URL[] {
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
  document: unknown,
  { issuer, usesMutualTls, allowHttp }: ServerDiscoverySettings,
  metadata: MetadataSchema,
): AuthorizationServer {
  const { success, data } = metadata.safeParse(document);
  if (!success) throw discoveryFailure('not metadata');
  // The comparison is exact (RFC 8414 section 3.3). Metadata of another issuer would send our tokens and credentials to that issuer.
  if (data.issuer !== issuer) throw discoveryFailure(MISTAKES.otherIssuer);
  const alias = usesMutualTls ? data.mtls_endpoint_aliases?.introspection_endpoint : undefined;
  const endpoint = alias ?? data.introspection_endpoint;
  if (typeof endpoint !== 'string') throw discoveryFailure(MISTAKES.noEndpoint);
  const url = usableUrl(endpoint, issuer, allowHttp);
  if (url === undefined) throw discoveryFailure(MISTAKES.unusableEndpoint);
  return {
    issuer,
    endpoint: toEndpoint(url),
    jwksUri: usableUrl(data.jwks_uri, issuer, allowHttp),
    authMethods: data.introspection_endpoint_auth_methods_supported ?? undefined,
    authSigningAlgorithms: data.introspection_endpoint_auth_signing_alg_values_supported ?? undefined,
  };
}
