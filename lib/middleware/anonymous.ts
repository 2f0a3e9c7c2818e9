import { ownMember } from '../core/own-members.js';
import type { Policy } from '../policy.js';
import type { AuthRequest } from './session.js';

/** The requests that continued without credentials, each with the policy whose `optional` let the request continue. */
const anonymous = new WeakMap<AuthRequest, Policy>();

export function markAnonymous(req: AuthRequest, policy: Policy): void {
  anonymous.set(req, policy);
}

/**
 * The policy that let this request continue without credentials. `undefined` for any other request, and also once other code has set
 * `req.auth`.
 */
export function anonymousPolicy(req: AuthRequest): Policy | undefined {
  return ownMember(req, 'auth') === undefined ? anonymous.get(req) : undefined;
}
