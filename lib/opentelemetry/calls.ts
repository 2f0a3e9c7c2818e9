import type { Attributes } from '@opentelemetry/api';
import { IntrospectionError } from '../core/errors.js';
import type { EndpointCall } from '../diagnostics/channels.js';

/** The context of the channel once the attempt has ended. */
export type EndedCall = EndpointCall & { readonly error?: unknown };

/** From here on a status is a failure: redirects are not followed. */
const FIRST_BAD_STATUS = 300;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Whom an attempt asks, by the [conventions for HTTP clients](https://opentelemetry.io/docs/specs/semconv/http/). */
export function attributesOf({ endpoint, background }: EndpointCall): Attributes {
  const { hostname, port, protocol } = new URL(endpoint);
  return {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': port === '' ? DEFAULT_PORTS[protocol] : Number(port),
    'token_introspection.background': background,
  };
}

/** What became of it. */
export function outcomeOf({ status, error }: EndedCall): Attributes {
  const failure = failureOf(status, error);
  return {
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(failure !== undefined && { 'error.type': failure }),
  };
}

/** The code of what it failed with, else its status where that is none of success. */
function failureOf(status: number | undefined, error: unknown): string | undefined {
  if (error !== undefined) return error instanceof IntrospectionError ? error.code : '_OTHER';
  return status !== undefined && status >= FIRST_BAD_STATUS ? String(status) : undefined;
}
