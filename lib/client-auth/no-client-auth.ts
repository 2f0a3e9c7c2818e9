import type { ClientAuth } from '../core/client-auth.js';

/** No client authentication: for an endpoint that is protected otherwise, such as an admin port of a private network. */
export function noClientAuth(): ClientAuth {
  return { identity: 'none', methods: ['none'], sign() {} };
}
