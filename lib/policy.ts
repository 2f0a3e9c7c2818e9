import type { IncomingMessage } from 'node:http';
import type { RejectionHandler } from './core/next.js';
import type { CredentialSources } from './credentials/read-credentials.js';
import type { ClientCertificate } from './verification/sender/certificate.js';
import type { DpopVerifier } from './verification/sender/dpop.js';
import type { VerificationPolicy } from './verification/verify.js';

export interface AuthenticatorPolicy extends CredentialSources, VerificationPolicy {
  readonly optional: boolean;
  readonly dpop: DpopVerifier | undefined;
}

/** How tokens may be bound to their sender. */
export interface SenderPolicy {
  readonly dpop: DpopVerifier | undefined;
  /** Scheme and host that proofs must be made for, with the path prefix that a proxy takes off. */
  readonly dpopOrigin: string | ((req: IncomingMessage) => string | undefined) | undefined;
  readonly certificateOf: ((req: IncomingMessage) => ClientCertificate | undefined) | undefined;
}

/** What is demanded of a request, defaults filled in. Frozen. */
export interface Policy extends AuthenticatorPolicy, SenderPolicy {
  readonly getToken: ((req: IncomingMessage) => unknown) | undefined;
  readonly realm: string;
  readonly resourceMetadata: string | undefined;
  readonly onReject: RejectionHandler | undefined;
}
