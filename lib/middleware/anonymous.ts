import { ownMember } from '../core/own-members.js';
import type { Policy } from '../policy.js';
import type { AuthRequest } from './session.js';

/**
 * The requests that continued without credentials. Each is stored with the policy that let it continue, because its `optional` is `true`.
 */
const anonymous = new WeakMap<AuthRequest, Policy>();

export function markAnonymous(req: AuthRequest, policy: Policy): void {
  anonymous.set(req, policy);
}

/**
 * Returns the policy that let this request continue without credentials. Returns `undefined` for any other request, and for a request on
 * which other code has set `req.auth` since then.
 */
export function anonymousPolicy(req: AuthRequest): Policy | undefined {
  return ownMember(req, 'auth') === undefined ? anonymous.get(req) : undefined;
}
