import type { RejectionHandler } from './core/next.js';
import type { CredentialPolicy } from './credentials/read-credentials.js';
import type { DpopVerifier } from './verification/sender/dpop.js';
import type { VerificationPolicy } from './verification/verify.js';

/** Everything that one middleware requires of a request, and how it answers. Frozen, with all defaults filled in. */
export interface Policy extends CredentialPolicy, VerificationPolicy, ResponsePolicy {
  /** Requests without a token go on. */
  readonly optional: boolean;
  readonly dpop: DpopVerifier | undefined;
  /** The options that this policy comes from, those of policies it was derived from included. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** How rejections are answered. */
export interface ResponsePolicy {
  readonly realm: string;
  /** URL of the protected resource metadata, for challenges. */
  readonly resourceMetadata: string | undefined;
  readonly onReject: RejectionHandler | undefined;
}
