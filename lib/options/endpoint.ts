import { type JsonWebKey, toPrivateKey, toPublicKey } from '../client-auth/keys.js';
import { remedyForUrl } from '../core/endpoint-url.js';
import { optionError } from '../core/option-error.js';
import type { ResponseNormalizer } from '../introspection/response.js';
import type { ServerLocation } from '../introspection/server-location.js';
import type { SignedResponseSettings } from '../introspection/signed-response.js';
import { JWT_RESPONSE_RULES, OPTION_RULES, readOptions, throwOptionError } from './rules.js';
import type { JwtResponseOptions, NormalizeOptions, TokenIntrospectionOptions } from './types.js';

const RESERVED_PARAMETERS = new Set(['client_id', 'client_secret', 'client_assertion', 'client_assertion_type']);
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

const NO_OPTIONS: JwtResponseOptions = Object.freeze(Object.create(null));

/** @throws TypeError */
export function parseLocation(options: TokenIntrospectionOptions): ServerLocation {
  const { endpoint, authorizationServer, issuer } = options;
  const allowHttp = options.dangerouslyAllowHttp === true;
  if (authorizationServer === undefined) {
    if (endpoint === undefined) throwOptionError('endpoint', endpoint, OPTION_RULES);
    return { endpoint: parseUrl('endpoint', endpoint, allowHttp), issuer, allowHttp };
  }
  if (endpoint !== undefined) {
    throw optionError('endpoint', endpoint, 'leave it out: the metadata of "authorizationServer" say it');
  }
  parseUrl('authorizationServer', authorizationServer, allowHttp);
  return { endpoint: undefined, issuer: authorizationServer, allowHttp };
}

/** @throws TypeError */
export function parseTokenParameter(given = 'token'): string {
  if (!RESERVED_PARAMETERS.has(given)) return given;
  throw optionError('tokenParameter', given, 'write another name: "clientAuth" uses this one');
}

/** @throws TypeError */
export function parseParameters(given: Readonly<Record<string, string>> = {}, tokenParameter: string) {
  for (const name of Object.keys(given)) {
    if (name === tokenParameter || RESERVED_PARAMETERS.has(name)) {
      throw optionError(`parameters.${name}`, given[name], 'leave it out: the token and "clientAuth" provide it');
    }
  }
  return Object.freeze({ ...given });
}

/** @throws TypeError */
export function parseHeaders(given: Readonly<Record<string, string>> = {}) {
  const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  for (const name of Object.keys(headers)) {
    if (RESERVED_HEADERS.has(name)) {
      throw optionError(`headers.${name}`, headers[name], 'leave it out: "clientAuth" and "requestFormat" provide it');
    }
  }
  return Object.freeze(headers);
}

export function parseNormalizer(given: TokenIntrospectionOptions['normalizeResponse']): ResponseNormalizer | undefined {
  if (given === undefined) return undefined;
  const {
    statuses = [],
    normalize,
    identity,
  }: NormalizeOptions = typeof given === 'function' ? { normalize: given } : given;
  return Object.freeze({ statuses: new Set([200, ...statuses]), normalize, identity });
}

/** @throws TypeError */
export function parseJwtResponse(options: TokenIntrospectionOptions): SignedResponseSettings | undefined {
  const { jwtResponse, clientAuth, authorizationServer, normalizeResponse, headers } = options;
  if (jwtResponse === undefined || jwtResponse === false) return undefined;
  const given = jwtResponse === true ? NO_OPTIONS : readOptions(jwtResponse, JWT_RESPONSE_RULES, 'jwtResponse.');
  const { issuer = authorizationServer ?? options.issuer, audience = clientAuth.clientId } = given;
  if (issuer === undefined) refuse('issuer', issuer);
  if (audience === undefined) refuse('audience', audience);
  if (given.keys === undefined && authorizationServer === undefined) refuse('keys', undefined);
  if (clientAuth.methods?.includes('none')) {
    throw optionError(
      'clientAuth',
      clientAuth,
      'signed replies are for clients that prove themselves (RFC 9701 section 4)',
    );
  }
  if (normalizeResponse !== undefined) {
    throw optionError('normalizeResponse', normalizeResponse, 'leave it out: signed replies are as RFC 9701 has them');
  }
  if (Object.keys(headers ?? {}).some((name) => name.toLowerCase() === 'accept')) {
    throw optionError('headers.accept', '*/*', 'leave it out: "jwtResponse" provides it');
  }
  return Object.freeze({
    issuer,
    audience: Object.freeze([audience].flat()),
    algorithms: Object.freeze([...(given.algorithms ?? ['RS256'])]),
    keys: parseKeys(given.keys, options.dangerouslyAllowHttp === true),
    decryptionKey: parseDecryptionKey(given.decryptionKey),
  });
}

function parseKeys(given: JwtResponseOptions['keys'], allowHttp: boolean): SignedResponseSettings['keys'] {
  if (given === undefined) return undefined;
  if (given instanceof URL || (typeof given === 'string' && URL.canParse(given))) {
    return parseUrl('jwtResponse.keys', given, allowHttp);
  }
  if (typeof given === 'object' && given !== null && 'keys' in given && Array.isArray(given.keys)) {
    // One of a kind that is unknown here stands in nobody's way.
    const keys = given.keys.flatMap(toPublicJwk);
    return keys.length > 0 ? { keys } : refuse('keys', given);
  }
  return toPublicKey(given) ?? refuse('keys', given);
}

/** As a JWK Set needs it; what finds a key among others is kept. */
function toPublicJwk(given: JsonWebKey & { readonly kid?: unknown; readonly alg?: unknown }): PublicJwk[] {
  const key = toPublicKey(given);
  if (key === undefined) return [];
  const { kid, alg } = Object(given);
  const named = { ...(typeof kid === 'string' && { kid }), ...(typeof alg === 'string' && { alg }) };
  return [{ ...key.export({ format: 'jwk' }), ...named } as PublicJwk];
}

function parseDecryptionKey(given: JwtResponseOptions['decryptionKey']): SignedResponseSettings['decryptionKey'] {
  return given === undefined ? undefined : (toPrivateKey(given) ?? refuse('decryptionKey', Object(given)));
}

type PublicJwk = Extract<SignedResponseSettings['keys'], { keys: unknown }>['keys'][number];

function refuse(name: keyof JwtResponseOptions, given: unknown): never {
  throwOptionError(`jwtResponse.${name}`, given, JWT_RESPONSE_RULES);
}

function parseUrl(name: string, given: string | URL, allowHttp: boolean): URL {
  const url = new URL(given);
  const remedy = remedyForUrl(url, allowHttp);
  if (remedy !== undefined) throw optionError(name, given, remedy);
  return url;
}
