import type { Attributes } from '@opentelemetry/api';
import { IntrospectionError } from '../core/errors.js';
import type { EndpointCall } from '../diagnostics/channels.js';

/** The context object of the endpoint channel after the attempt has ended. */
export type EndedCall = EndpointCall & { readonly error?: unknown };

/** This status and all higher ones are failures. Redirects are failures too, because they are not followed. */
const FIRST_BAD_STATUS = 300;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * Attributes that are known before the response. `background` is our own; the others follow the
 * [conventions for HTTP clients](https://opentelemetry.io/docs/specs/semconv/http/).
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

/** Attributes that are known once the attempt has ended: the status, and the kind of failure. */
export function outcomeOf({ status, error }: EndedCall): Attributes {
  const failure = failureOf(status, error);
  return {
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(failure !== undefined && { 'error.type': failure }),
  };
}

/** Returns the code of the error, otherwise a status of 300 or more; `undefined` on success. */
function failureOf(status: number | undefined, error: unknown): string | undefined {
  if (error !== undefined) return error instanceof IntrospectionError ? error.code : '_OTHER';
  return status !== undefined && status >= FIRST_BAD_STATUS ? String(status) : undefined;
}
