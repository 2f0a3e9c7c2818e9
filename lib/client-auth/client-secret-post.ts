import type { ClientAuth } from '../core/client-auth.js';
import { ownMembers } from '../core/own-members.js';
import { requireClientId, requireFlags } from './client-identifier.js';
import { callOf, type Secret, signWithSecret } from './secret.js';

/** Options of `clientSecretPost()`. */
export interface ClientSecretPostOptions {
  /** Allow an empty secret, which some servers require from public clients. Default: `false`. */
  readonly allowEmptySecret?: boolean | undefined;
}

/**
 * Client authentication with `client_id` and `client_secret` as body parameters
 * ([RFC 6749 section 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
 *
 * @param clientSecret the secret, or a function that returns the current secret. The function is called for every attempt to send an
 * introspection request
 * @throws TypeError when an option is wrong, or the identifier or the secret is missing or empty. If `clientSecret` is a function that
 * fails or returns such a secret, nothing is thrown here, and the client's request gets a 503
 */
export function clientSecretPost(
  clientId: string | undefined,
  clientSecret: Secret,
  options: ClientSecretPostOptions = {},
): ClientAuth {
  requireFlags(options, ['allowEmptySecret']);
  const id = requireClientId(clientId);
  return {
    identity: `client:${id}`,
    clientId: id,
    methods: ['client_secret_post'],
    sign: signWithSecret({
      call: callOf('clientSecretPost', id),
      argument: 'secret',
      secret: clientSecret,
      allowEmpty: ownMembers(options).allowEmptySecret,
      prepare: (secret) => secret,
      isConstant: true,
      write({ parameters }, secret) {
        parameters.client_id = id;
        parameters.client_secret = secret;
      },
    }),
  };
}
