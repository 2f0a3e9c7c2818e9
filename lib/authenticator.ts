import type { IncomingMessage } from 'node:http';
import type { Claims } from './core/claims.js';
import { readClock } from './core/clock.js';
import { AuthError, IntrospectionError } from './core/errors.js';
import {
  type ActiveRecord,
  ANY_AGE,
  type Credentials,
  type DpopRequest,
  type LookupOptions,
  type SenderProof,
  type TokenRecord,
} from './core/lookup.js';
import { copyRejection } from './core/precheck.js';
import { tokenDigest } from './core/token-digest.js';
import { readCredentials, readToken } from './credentials/read-credentials.js';
import { requireB64Token } from './credentials/token.js';
import { keepEvidence } from './diagnostics/explain.js';
import type { Introspector } from './introspector.js';
import type { Policy } from './policy.js';
import type { Proof } from './verification/sender/dpop.js';
import { requireProof } from './verification/sender/sender-constraint.js';
import { requireActive, verify } from './verification/verify.js';

/** A token that passed every check of a policy. */
export interface AuthenticatedToken {
  readonly credentials: Credentials;
  readonly record: ActiveRecord;
  /**
   * The claims that handlers get. They are the claims of the record, in which the output of the `claims` schema, if there is one, replaces
   * claims of the same name.
   */
  readonly claims: Claims;
  /**
   * The keys that the sender has proven to hold. `undefined` if the request has no verified DPoP proof and the policy does not accept
   * certificate-bound tokens.
   */
  readonly sender: SenderProof | undefined;
  /** Whether the response should give the client a new DPoP nonce, because the nonce in the proof is old. */
  readonly needsNonce: boolean;
}

/** An earlier authentication of the same token, by another middleware that has handled the same request. */
export interface EarlierAuthentication {
  readonly authenticator: Authenticator;
  readonly token: AuthenticatedToken;
}

/** Reads, looks up and verifies the tokens of requests. It combines an introspector, which looks tokens up, with a policy. */
export interface Authenticator {
  readonly introspector: Introspector;
  readonly policy: Policy;
  /**
   * Reads the credentials of a request. Does not look up the token.
   *
   * @returns the credentials; `undefined` for a request without a token, if the policy allows such requests (`optional`)
   * @throws AuthError if the credentials are malformed, or are missing although the policy requires them; IntrospectionError `closed` for a
   * request without a token after `close()`; any error that a function of the app throws
   */
  readCredentials(req: IncomingMessage): Credentials | undefined;
  /**
   * Looks up a token, and verifies its record against the policy. A cache hit is verified in the same tick and returned without a promise,
   * unless a DPoP proof must be verified.
   *
   * Without a cache, the record of an earlier middleware of the same request is used again for up to 1 second after its introspection
   * request was sent. So one request does not cause two introspection requests.
   *
   * @throws AuthError, IntrospectionError
   */
  authenticate(
    credentials: Credentials,
    options: LookupOptions,
    earlier: EarlierAuthentication | undefined,
  ): AuthenticatedToken | Promise<AuthenticatedToken>;
  /**
   * Looks up the same token again, and verifies the new record against the policy. Does not verify the DPoP proof again: the keys that the
   * sender has proven stay valid.
   *
   * @param known a record that another lookup of the same token has just found. Without a cache, this record is used again, if it was
   * requested at most 1 second ago
   * @throws AuthError, IntrospectionError
   */
  refresh(
    token: AuthenticatedToken,
    options: LookupOptions,
    known?: ActiveRecord,
  ): AuthenticatedToken | Promise<AuthenticatedToken>;
  /**
   * Requires that a token is well-formed, as `requireB64Token()` defines it. `authenticate()` requires that too, before the endpoint is
   * asked.
   *
   * @throws AuthError `malformed_credentials`
   */
  requireWellFormed(credentials: Credentials): void;
  /**
   * Looks up a token that did not come in a request, and verifies it against the policy. Sender-constrained tokens are rejected.
   *
   * @throws AuthError, IntrospectionError
   */
  introspect(token: string): Promise<AuthenticatedToken>;
  /**
   * Verifies an active record against the policy, at the current time and without a lookup.
   *
   * @throws AuthError, IntrospectionError
   */
  verify(record: ActiveRecord, sender: SenderProof | undefined): void;
}

export function createAuthenticator(introspector: Introspector, policy: Policy): Authenticator {
  const { clock } = introspector;
  const rejections = introspector.watchRejections();
  /**
   * `true` when this authenticator has accepted a token. From then on the rejection watch is stopped, and accepted tokens do not stop it
   * again.
   */
  let hasAccepted = false;

  function readRequest(req: IncomingMessage): Credentials | undefined {
    let credentials: Credentials | undefined;
    try {
      credentials = readCredentials(req, policy);
    } catch (error) {
      throw noteRejection(error);
    }
    if (credentials === undefined) {
      introspector.requireOpen();
      if (!policy.optional) throw new AuthError('no_credentials');
    }
    return credentials;
  }

  function authenticate(
    credentials: Credentials,
    options: LookupOptions,
    earlier: EarlierAuthentication | undefined,
  ): AuthenticatedToken | Promise<AuthenticatedToken> {
    const { dpop, certificate } = credentials;
    const known = earlier?.authenticator.introspector === introspector ? earlier.token.record : undefined;
    if (dpop === undefined) {
      return lookUp(credentials, certificate && { jkt: undefined, x5t: certificate }, options, known);
    }
    // An earlier middleware with the same DPoP settings has verified this proof, so it is not verified again.
    if (earlier?.authenticator.policy.dpop === policy.dpop && isSameProof(dpop, earlier?.token.credentials.dpop)) {
      return lookUp(credentials, { jkt: earlier?.token.sender?.jkt, x5t: certificate }, options, known);
    }
    return authenticateWithProof(credentials, dpop, options, known);
  }

  /**
   * Verifies the DPoP proof, then the token. The last step marks the proof as used, so that a request whose token fails does not use up its
   * proof.
   */
  async function authenticateWithProof(
    credentials: Credentials,
    presented: DpopRequest,
    options: LookupOptions,
    known: ActiveRecord | undefined,
  ): Promise<AuthenticatedToken> {
    const { dpop } = policy;
    requireWellFormed(credentials);
    if (dpop === undefined) throw new AuthError('invalid_dpop_proof');
    const proof: Proof = await dpop.verify(presented, credentials.digest);
    const token = await lookUp(credentials, { jkt: proof.jkt, x5t: credentials.certificate }, options, known);
    await dpop.use(proof, presented.request);
    return proof.isNonceOld ? { ...token, needsNonce: true } : token;
  }

  function requireWellFormed(credentials: Credentials): void {
    try {
      requireB64Token(credentials.token);
    } catch (error) {
      throw noteRejection(error, credentials);
    }
  }

  function lookUp(
    credentials: Credentials,
    sender: SenderProof | undefined,
    options: LookupOptions,
    known?: ActiveRecord,
  ): AuthenticatedToken | Promise<AuthenticatedToken> {
    const found = startLookup(credentials, sender, options, known);
    return found instanceof Promise
      ? verifyLater(credentials, sender, found)
      : verifyRecord(credentials, sender, found, options.now.at);
  }

  function startLookup(
    credentials: Credentials,
    sender: SenderProof | undefined,
    options: LookupOptions,
    known: ActiveRecord | undefined,
  ): TokenRecord | Promise<TokenRecord> {
    try {
      if (credentials.hasUnusedProof) throw new AuthError('sender_constrained');
      // `verify()` requires a proof too. It is required before the lookup already, because no record can change the result.
      if (policy.dpop !== undefined) requireProof(policy, sender);
      if (known !== undefined && introspector.isReusable(credentials.digest, known, options)) return known;
      return introspector.lookup(credentials, options);
    } catch (error) {
      throw noteRejection(error, credentials);
    }
  }

  async function verifyLater(
    credentials: Credentials,
    sender: SenderProof | undefined,
    found: Promise<TokenRecord>,
  ): Promise<AuthenticatedToken> {
    let record: TokenRecord;
    try {
      record = await found;
    } catch (error) {
      throw noteRejection(copyOf(error), credentials);
    }
    return verifyRecord(credentials, sender, record, clock.now());
  }

  function verifyRecord(
    credentials: Credentials,
    sender: SenderProof | undefined,
    record: TokenRecord,
    now: number,
  ): AuthenticatedToken {
    try {
      requireActive(record);
      const claims = verify(record, policy, now, sender);
      if (!hasAccepted) noteAcceptance();
      return { credentials, record, claims, sender, needsNonce: false };
    } catch (error) {
      throw noteRejection(error, credentials, record, now);
    }
  }

  function noteAcceptance(): void {
    hasAccepted = true;
    rejections.stop();
  }

  /**
   * Returns the error. If it is a rejection, first keeps the evidence that explains it, and counts it for the warnings about wrong
   * configuration.
   */
  function noteRejection(error: unknown, credentials?: Credentials, record?: TokenRecord, now = Number.NaN): unknown {
    if (!(error instanceof AuthError)) return error;
    if (credentials !== undefined) keepEvidence(error, { token: credentials.token, record, expected: policy, now });
    rejections.rejected(error);
    return error;
  }

  return {
    introspector,
    policy,
    readCredentials: readRequest,
    authenticate,
    requireWellFormed,
    refresh: ({ credentials, sender }, options, known) => lookUp(credentials, sender, options, known),
    introspect: async (text) => {
      introspector.requireOpen();
      const token = readToken(text);
      const credentials: Credentials = {
        ...{ token, digest: tokenDigest(token), scheme: 'Bearer' },
        ...{ dpop: undefined, hasUnusedProof: false, certificate: undefined },
      };
      const now = readClock(clock);
      return lookUp(credentials, undefined, { notBefore: ANY_AGE, now, background: false, isKnown: false });
    },
    verify: (record, sender) => void verify(record, policy, clock.now(), sender),
  };
}

function isSameProof(one: DpopRequest, other: DpopRequest | undefined): boolean {
  const { proof, method, url } = one;
  return proof !== undefined && proof === other?.proof && method === other.method && url === other.url;
}

/**
 * Copies an `AuthError` or an `IntrospectionError`, so that requests that wait for the same lookup do not share one error object. Returns
 * any other error itself.
 */
function copyOf(error: unknown): unknown {
  if (error instanceof AuthError) return copyRejection(error);
  if (!(error instanceof IntrospectionError)) return error;
  return new IntrospectionError(error.code, error.detail, error.retryAfterSeconds);
}
