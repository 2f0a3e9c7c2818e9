import { toPrivateKey } from '../client-auth/keys.js';
import { optionError } from '../core/option-error.js';
import type { SignedResponseSettings } from '../introspection/signed-response.js';
import { parseKeySource } from './public-keys.js';
import { readOptions, rejectOption } from './read-options.js';
import { JWT_RESPONSE_RULES } from './rules.js';
import type { JwtResponseOptions, TokenIntrospectionOptions } from './types.js';

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
    keys: parseKeySource('jwtResponse.keys', members.keys, options.dangerouslyAllowHttp === true, JWT_RESPONSE_RULES),
    decryptionKey: parseDecryptionKey(members.decryptionKey),
  });
}

function parseDecryptionKey(value: JwtResponseOptions['decryptionKey']): SignedResponseSettings['decryptionKey'] {
  return value === undefined ? undefined : (toPrivateKey(value) ?? rejectMember('decryptionKey', Object(value)));
}

function rejectMember(name: keyof JwtResponseOptions, value: unknown): never {
  rejectOption(`jwtResponse.${name}`, value, JWT_RESPONSE_RULES);
}
