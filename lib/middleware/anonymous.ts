import { ownMember } from '../core/own-members.js';
import type { Policy } from '../policy.js';
import type { AuthRequest } from './session.js';

/** Requests that continued without credentials, each with the policy that allowed it. */
const anonymous = new WeakMap<AuthRequest, Policy>();

export function markAnonymous(req: AuthRequest, policy: Policy): void {
  anonymous.set(req, policy);
}

/** The policy that let this request continue without credentials; `undefined` if other code has set `req.auth` since. */
export function anonymousPolicy(req: AuthRequest): Policy | undefined {
  return ownMember(req, 'auth') === undefined ? anonymous.get(req) : undefined;
}
