import { type ClientAuth, registerConstant } from '../core/client-auth.js';

/**
 * Creates a client authentication that adds no credentials. Use it only for an endpoint that is protected in another way, such as an admin
 * port in a private network.
 */
export function noClientAuth(): ClientAuth {
  return { identity: 'none', methods: ['none'], sign: registerConstant(() => {}) };
}
