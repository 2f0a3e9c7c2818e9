import type { ClientAuth } from '../core/client-auth.js';
import { ownMethod } from './own-method.js';

/** No client authentication: for an endpoint that is protected otherwise, such as an admin port of a private network. */
export function noClientAuth(): ClientAuth {
  return ownMethod({ identity: 'none', methods: ['none'], sign() {} });
}
