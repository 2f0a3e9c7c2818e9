import type { ClientAuth } from '../../types.js';
import { requireClientId, requireSecret } from './client-identifier.js';

/**
 * `client_id` and `client_secret` as body parameters ([RFC 6749 section 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
 *
 * @throws TypeError when either is missing or empty
 */
export function clientSecretPost(clientId: string | undefined, clientSecret: string | undefined): ClientAuth {
  const id = requireClientId(clientId);
  const secret = requireSecret('clientSecret', clientSecret);
  return {
    identity: `client:${id}`,
    sign({ parameters }) {
      parameters.client_id = id;
      parameters.client_secret = secret;
    },
  };
}
