import type { ClientAuth } from '../core/client-auth.js';
import { optionError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { requireClientId, requireFlags } from './client-identifier.js';
import { callOf, type Secret, signWithSecret } from './secret.js';

/** Options of `clientSecretBasic()`. */
export interface ClientSecretBasicOptions {
  /**
   * Form-encode the client identifier and the secret, as RFC 6749 section 2.3.1 requires. Default: `true`. Write `false` for a server that
   * does not decode them.
   */
  readonly encode?: boolean | undefined;
  /** Allow an empty secret, which some servers require from public clients. Default: `false`. */
  readonly allowEmptySecret?: boolean | undefined;
}

/** A control character, which RFC 7617 section 2 forbids in identifiers and secrets. */
const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * HTTP Basic client authentication ([RFC 6749 section 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)). Prefer it to
 * {@link clientSecretPost} when the server offers both.
 *
 * @param clientSecret the secret, or a function that returns the current secret. The function is called for every attempt to send an
 * introspection request
 * @throws TypeError when an option is wrong, or the identifier or the secret is missing or empty, or cannot be sent with `encode: false`.
 * If `clientSecret` is a function that fails or returns such a secret, nothing is thrown here, and the client's request gets a 503
 */
export function clientSecretBasic(
  clientId: string | undefined,
  clientSecret: Secret,
  options: ClientSecretBasicOptions = {},
): ClientAuth {
  requireFlags(options, ['encode', 'allowEmptySecret']);
  const { encode = true, allowEmptySecret } = ownMembers(options);
  const id = requireClientId(clientId);
  return {
    identity: `client:${id}`,
    clientId: id,
    methods: ['client_secret_basic'],
    sign: signWithSecret({
      call: callOf('clientSecretBasic', id),
      argument: 'secret',
      secret: clientSecret,
      allowEmpty: allowEmptySecret,
      prepare(secret) {
        if (!encode) requireUnencodable(id, secret);
        const userPass = encode ? `${formEncode(id)}:${formEncode(secret)}` : `${id}:${secret}`;
        return `Basic ${Buffer.from(userPass, 'utf8').toString('base64')}`;
      },
      isConstant: true,
      write({ headers }, authorization) {
        headers.authorization = authorization;
      },
    }),
  };
}

function formEncode(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice('v='.length);
}

/**
 * Requires that the identifier and the secret can be sent without encoding. If the identifier contained a colon, the server would read
 * the part after it as the start of the secret (RFC 7617 section 2).
 *
 * @throws TypeError for a colon in the identifier, or a control character in either value
 */
function requireUnencodable(id: string, secret: string): void {
  if (id.includes(':') || CONTROL_CHARACTER.test(id)) {
    throw optionError('clientId', id, 'with encode: false it cannot hold a colon or a control character');
  }
  if (CONTROL_CHARACTER.test(secret)) {
    throw optionError('clientSecret', secret, 'with encode: false it cannot hold a control character');
  }
}
