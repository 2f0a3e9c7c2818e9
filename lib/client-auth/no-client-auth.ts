import type { ClientAuth } from '../core/client-auth.js';

/** No client authentication, for an endpoint that is protected in another way, such as an admin port in a private network. */
export function noClientAuth(): ClientAuth {
  return { identity: 'none', methods: ['none'], sign() {} };
}
