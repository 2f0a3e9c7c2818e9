import { ownMember } from '../core/own-members.js';
import type { Policy } from '../policy.js';
import type { AuthRequest } from './session.js';

/** Requests that went on without credentials, and the policy that allowed it. */
const anonymous = new WeakMap<AuthRequest, Policy>();

export function markAnonymous(req: AuthRequest, policy: Policy): void {
  anonymous.set(req, policy);
}

/** The policy that let this request go on without credentials. `undefined` if something has set `req.auth` since. */
export function anonymousPolicy(req: AuthRequest): Policy | undefined {
  return ownMember(req, 'auth') === undefined ? anonymous.get(req) : undefined;
}
