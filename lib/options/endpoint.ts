import { optionError } from '../core/option-error.js';
import type { ResponseNormalizer } from '../introspection/response.js';
import type { ParsedServerLocation } from '../introspection/server-location.js';
import { parseUrl } from './parse-url.js';
import { rejectOption } from './read-options.js';
import { OPTION_RULES } from './rules.js';
import type { NormalizeOptions, TokenIntrospectionOptions } from './types.js';

/** Parameters of introspection requests that client authentication sets, so that options must not contain them. */
const RESERVED_PARAMETERS = new Set(['client_id', 'client_secret', 'client_assertion', 'client_assertion_type']);

/** Headers that the option `headers` must not contain, because client authentication, the library or the HTTP connection sets them. */
const RESERVED_HEADERS = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Returns how to find the endpoint.
 *
 * @throws TypeError unless exactly one of `endpoint` and `authorizationServer` is set, and its URL is safe for tokens: see {@link parseUrl}
 */
export function parseLocation(options: TokenIntrospectionOptions): ParsedServerLocation {
  const { endpoint, authorizationServer, issuer } = options;
  const allowHttp = options.dangerouslyAllowHttp === true;
  if (authorizationServer === undefined) {
    if (endpoint === undefined) rejectOption('endpoint', endpoint, OPTION_RULES);
    return { endpoint: parseUrl('endpoint', endpoint, allowHttp), issuer, allowHttp };
  }
  if (endpoint !== undefined) {
    throw optionError('endpoint', endpoint, 'leave it out: the metadata of "authorizationServer" name it');
  }
  parseUrl('authorizationServer', authorizationServer, allowHttp);
  return { endpoint: undefined, issuer: authorizationServer, allowHttp };
}

/**
 * Returns the name of the parameter that holds the token.
 *
 * @throws TypeError for a name that client authentication uses
 */
export function parseTokenParameter(name = 'token'): string {
  if (!RESERVED_PARAMETERS.has(name)) return name;
  throw optionError('tokenParameter', name, 'write another name: "clientAuth" uses this one');
}

/**
 * Returns a copy of the parameters.
 *
 * @throws TypeError for the parameter that holds the token, and for a parameter that client authentication sets
 */
export function parseParameters(parameters: Readonly<Record<string, string>> = {}, tokenParameter: string) {
  for (const name of Object.keys(parameters)) {
    if (name === tokenParameter || RESERVED_PARAMETERS.has(name)) {
      throw optionError(`parameters.${name}`, parameters[name], 'leave it out: the token and "clientAuth" provide it');
    }
  }
  return Object.freeze({ ...parameters });
}

/**
 * Returns the headers, with names in lower case.
 *
 * @throws TypeError for a header whose name is in `RESERVED_HEADERS`
 */
export function parseHeaders(option: Readonly<Record<string, string>> = {}) {
  const headers = Object.fromEntries(Object.entries(option).map(([name, value]) => [name.toLowerCase(), value]));
  for (const name of Object.keys(headers)) {
    if (RESERVED_HEADERS.has(name)) {
      throw optionError(`headers.${name}`, headers[name], 'leave it out: "clientAuth" and "requestFormat" provide it');
    }
  }
  return Object.freeze(headers);
}

export function parseNormalizer(
  option: TokenIntrospectionOptions['normalizeResponse'],
): ResponseNormalizer | undefined {
  if (option === undefined) return undefined;
  const {
    statuses = [],
    normalize,
    identity,
  }: NormalizeOptions = typeof option === 'function' ? { normalize: option } : option;
  return Object.freeze({ statuses: new Set([200, ...statuses]), normalize, identity });
}
