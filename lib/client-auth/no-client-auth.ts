import type { ClientAuth } from '../core/client-auth.js';
import { ownMethod } from './own-method.js';

/** No client authentication, for an endpoint that is protected in another way, such as an admin port in a private network. */
export function noClientAuth(): ClientAuth {
  return ownMethod({ identity: 'none', methods: ['none'], sign() {} });
}
