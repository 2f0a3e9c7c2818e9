import type { RoleReader } from './core/claims.js';
import type { RejectionHandler } from './core/next.js';
import type { CredentialPolicy } from './credentials/read-credentials.js';
import type { DpopVerifier } from './verification/sender/dpop.js';
import type { VerificationPolicy } from './verification/verify.js';

/**
 * Everything that one middleware requires of a request, and how the middleware responds. The object is frozen, and all defaults are filled
 * in.
 */
export interface Policy extends CredentialPolicy, VerificationPolicy, ResponsePolicy {
  /** Whether requests without a token may continue, as anonymous requests. */
  readonly optional: boolean;
  readonly dpop: DpopVerifier | undefined;
  /** Reads the roles of a token for guards. With `undefined`, the roles are in the claim `roles`. */
  readonly readRoles: RoleReader | undefined;
  /** The options from which this policy was created, including options that a derived middleware has inherited. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The part of a policy that says how the middleware responds to a rejected request. */
export interface ResponsePolicy {
  readonly realm: string;
  /** URL of the protected resource metadata, for challenges. */
  readonly resourceMetadata: string | undefined;
  readonly onReject: RejectionHandler | undefined;
}
