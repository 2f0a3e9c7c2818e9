import { type JsonWebKey, toPrivateKey, toPublicKey } from '../client-auth/keys.js';
import { optionError } from '../core/option-error.js';
import type { SignedResponseSettings } from '../introspection/signed-response.js';
import { parseUrl } from './parse-url.js';
import { readOptions, rejectOption } from './read-options.js';
import { JWT_RESPONSE_RULES } from './rules.js';
import type { JwtResponseOptions, TokenIntrospectionOptions } from './types.js';

type PublicJwk = Extract<SignedResponseSettings['keys'], { keys: unknown }>['keys'][number];

const NO_OPTIONS: JwtResponseOptions = Object.freeze(Object.create(null));

/**
 * Returns the settings of signed responses; `undefined` when the option `jwtResponse` is missing or `false`.
 *
 * @throws TypeError for an unknown, invalid or contradictory option
 */
export function parseJwtResponse(options: TokenIntrospectionOptions): SignedResponseSettings | undefined {
  const { jwtResponse, clientAuth, authorizationServer, normalizeResponse, headers } = options;
  if (jwtResponse === undefined || jwtResponse === false) return undefined;
  const members = jwtResponse === true ? NO_OPTIONS : readOptions(jwtResponse, JWT_RESPONSE_RULES, 'jwtResponse.');
  const { issuer = authorizationServer ?? options.issuer, audience = clientAuth.clientId } = members;
  if (issuer === undefined) rejectMember('issuer', issuer);
  if (audience === undefined) rejectMember('audience', audience);
  if (members.keys === undefined && authorizationServer === undefined) rejectMember('keys', undefined);
  if (clientAuth.methods?.includes('none')) {
    throw optionError(
      'clientAuth',
      clientAuth,
      'write a method with credentials: "jwtResponse" requires an authenticated client (RFC 9701 section 4)',
    );
  }
  if (normalizeResponse !== undefined) {
    throw optionError(
      'normalizeResponse',
      normalizeResponse,
      'leave it out: RFC 9701 defines the format of signed responses',
    );
  }
  if (Object.keys(headers ?? {}).some((name) => name.toLowerCase() === 'accept')) {
    throw optionError('headers.accept', '*/*', 'leave it out: "jwtResponse" provides it');
  }
  return Object.freeze({
    issuer,
    audience: Object.freeze([audience].flat()),
    algorithms: Object.freeze([...(members.algorithms ?? ['RS256'])]),
    keys: parseKeys(members.keys, options.dangerouslyAllowHttp === true),
    decryptionKey: parseDecryptionKey(members.decryptionKey),
  });
}

function parseKeys(value: JwtResponseOptions['keys'], allowHttp: boolean): SignedResponseSettings['keys'] {
  if (value === undefined) return undefined;
  if (value instanceof URL || (typeof value === 'string' && URL.canParse(value))) {
    return parseUrl('jwtResponse.keys', value, allowHttp);
  }
  if (typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys)) {
    // A key that cannot be read is ignored. The server may publish a key of a new type.
    const keys = value.keys.flatMap(toPublicJwk);
    return keys.length > 0 ? { keys } : rejectMember('keys', value);
  }
  return toPublicKey(value) ?? rejectMember('keys', value);
}

/**
 * Returns a list with the public JWK of a key, or an empty list if the value is not a key. `kid` and `alg` are kept, because the key that
 * verifies a signature is found by them.
 */
function toPublicJwk(value: JsonWebKey & { readonly kid?: unknown; readonly alg?: unknown }): PublicJwk[] {
  const key = toPublicKey(value);
  if (key === undefined) return [];
  const { kid, alg } = Object(value);
  const names = { ...(typeof kid === 'string' && { kid }), ...(typeof alg === 'string' && { alg }) };
  return [{ ...key.export({ format: 'jwk' }), ...names } as PublicJwk];
}

function parseDecryptionKey(value: JwtResponseOptions['decryptionKey']): SignedResponseSettings['decryptionKey'] {
  return value === undefined ? undefined : (toPrivateKey(value) ?? rejectMember('decryptionKey', Object(value)));
}

function rejectMember(name: keyof JwtResponseOptions, value: unknown): never {
  rejectOption(`jwtResponse.${name}`, value, JWT_RESPONSE_RULES);
}
