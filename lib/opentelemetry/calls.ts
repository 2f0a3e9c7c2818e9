import type { Attributes } from '@opentelemetry/api';
import { IntrospectionError } from '../core/errors.js';
import type { EndpointCall } from '../diagnostics/channels.js';

/** The context object of the endpoint channel after an attempt to send an introspection request has ended. */
export type EndedCall = EndpointCall & { readonly error?: unknown };

/** Statuses from this number on count as failures. Redirects count as failures too, because they are not followed. */
const FIRST_BAD_STATUS = 300;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * Returns the attributes of a span or metric that are known before the response. `token_introspection.background` is specific to this
 * package; the other attributes follow the [conventions for HTTP clients](https://opentelemetry.io/docs/specs/semconv/http/).
 */
export function attributesOf({ endpoint, background }: EndpointCall): Attributes {
  const { hostname, port, protocol } = new URL(endpoint);
  return {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': port === '' ? DEFAULT_PORTS[protocol] : Number(port),
    'token_introspection.background': background,
  };
}

/** Returns the attributes of a span or metric that are known when the attempt has ended: the HTTP status, and the kind of failure. */
export function outcomeOf({ status, error }: EndedCall): Attributes {
  const failure = failureOf(status, error);
  return {
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(failure !== undefined && { 'error.type': failure }),
  };
}

/**
 * Returns the kind of failure: the code of an `IntrospectionError`, `_OTHER` for another error, or the status if it is 300 or more. Returns
 * `undefined` on success.
 */
function failureOf(status: number | undefined, error: unknown): string | undefined {
  if (error !== undefined) return error instanceof IntrospectionError ? error.code : '_OTHER';
  return status !== undefined && status >= FIRST_BAD_STATUS ? String(status) : undefined;
}
