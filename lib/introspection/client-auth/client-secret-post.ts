import type { ClientAuth } from '../../types.js';
import { requireClientId, requireFlags, requireSecret } from './client-identifier.js';

export interface ClientSecretPostOptions {
  /** Accept an empty secret, as some servers want it of public clients. Default `false`. */
  readonly allowEmptySecret?: boolean | undefined;
}

/**
 * `client_id` and `client_secret` as body parameters ([RFC 6749 section 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
 *
 * @throws TypeError when either is missing or empty
 */
export function clientSecretPost(
  clientId: string | undefined,
  clientSecret: string | undefined,
  options: ClientSecretPostOptions = {},
): ClientAuth {
  requireFlags(options, ['allowEmptySecret']);
  const id = requireClientId(clientId);
  const secret = requireSecret('clientSecret', clientSecret, options.allowEmptySecret);
  return {
    identity: `client:${id}`,
    sign({ parameters }) {
      parameters.client_id = id;
      parameters.client_secret = secret;
    },
  };
}
