import type { Claims } from './core/claims.js';
import { type Clock, readClock } from './core/clock.js';
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
import { tokenDigest } from './core/token-digest.js';
import { readAuthorizationHeader } from './credentials/authorization-header.js';
import { type RequestFacts, readCredentials } from './credentials/read-credentials.js';
import { readToken, requireB64Token } from './credentials/token.js';
import { keepEvidence } from './diagnostics/explain.js';
import type { Introspector } from './introspector.js';
import type { AuthenticatorPolicy } from './policy.js';
import { requireProof } from './verification/sender/sender-constraint.js';
import { requireActive, verify } from './verification/verify.js';

/** A token that passed: who asked, what the endpoint said, and the claims for the handler. */
export interface AuthenticatedToken {
  readonly credentials: Credentials;
  readonly record: ActiveRecord;
  readonly claims: Claims;
}

export interface Authenticator {
  /**
   * The credentials a request puts; `undefined` for an anonymous one where that is allowed.
   *
   * @throws AuthError, IntrospectionError
   */
  identify(facts: RequestFacts): Credentials | undefined;
  /**
   * Lookup and verification. A memory hit is judged in the same tick, without a promise.
   *
   * @throws AuthError, IntrospectionError
   */
  authenticate(credentials: Credentials, options: LookupOptions): AuthenticatedToken | Promise<AuthenticatedToken>;
  /** The same judgement for a token that came some other way than in a request. */
  introspect(token: string): Promise<AuthenticatedToken>;
  /** Verification alone, of another answer to the same credentials. */
  verify(record: ActiveRecord, proven: SenderProof | undefined): void;
}

export function createAuthenticator(
  shared: Pick<Introspector, 'requireOpen' | 'lookup' | 'watchRefusals'>,
  demands: AuthenticatorPolicy,
  clock: Clock,
): Authenticator {
  const watch = shared.watchRefusals();
  /** Apart from the watch, because it is looked at for every token. */
  let isUnproven = true;

  function identify(facts: RequestFacts): Credentials | undefined {
    shared.requireOpen();
    const token = readOwnCredentials(facts);
    const bound =
      facts.dpop === undefined || demands.usesGetToken
        ? undefined
        : readAuthorizationHeader(facts.authorization, 'dpop');
    if (token !== undefined) {
      if (bound !== undefined) throw new AuthError('repeated_credentials');
      const credentials = ask(token, facts.certificate);
      return facts.dpop?.isPresent ? { ...credentials, hasUnusedProof: true } : credentials;
    }
    if (bound !== undefined) return { ...ask(bound, facts.certificate), dpop: facts.dpop };
    if (demands.optional) return undefined;
    throw new AuthError('no_credentials');
  }

  function readOwnCredentials(facts: RequestFacts): string | undefined {
    try {
      return readCredentials(facts, demands);
    } catch (error) {
      throw noteRefusal(error);
    }
  }

  function authenticate(
    credentials: Credentials,
    options: LookupOptions,
  ): AuthenticatedToken | Promise<AuthenticatedToken> {
    if (credentials.dpop !== undefined && credentials.sender?.jkt === undefined) {
      return authenticateProven(credentials, credentials.dpop, options);
    }
    const found = lookUp(credentials, options);
    return found instanceof Promise
      ? found.then(
          (record) => verifyRecord(credentials, record, clock.now()),
          (error: unknown) => rethrow(noteRefusal(error, credentials)),
        )
      : verifyRecord(credentials, found, options.now.at);
  }

  function lookUp(credentials: Credentials, options: LookupOptions): TokenRecord | Promise<TokenRecord> {
    try {
      if (credentials.hasUnusedProof) throw new AuthError('sender_constrained');
      // Judged here too, so that the endpoint is not asked in vain.
      requireProof(demands, credentials.sender);
      return shared.lookup(credentials, options);
    } catch (error) {
      throw noteRefusal(error, credentials);
    }
  }

  /** A proof is used up last: what fails before leaves it as it was. */
  async function authenticateProven(
    credentials: Credentials,
    presented: DpopRequest,
    options: LookupOptions,
  ): Promise<AuthenticatedToken> {
    const { dpop } = demands;
    requireB64Token(credentials.token);
    if (dpop === undefined) throw new AuthError('invalid_dpop_proof');
    const proof = await dpop.verify(presented, credentials.digest);
    const proven = { x5t: credentials.sender?.x5t, jkt: proof.jkt };
    const authenticated = await authenticate({ ...credentials, sender: proven }, options);
    await dpop.use(proof, presented.accepted);
    presented.renewsNonce = proof.isNonceOld;
    return authenticated;
  }

  async function introspect(token: string): Promise<AuthenticatedToken> {
    return authenticate(ask(readToken(token)), {
      notBefore: ANY_AGE,
      now: readClock(clock),
      background: false,
      isKnown: false,
    });
  }

  function ask(token: string, certificate?: RequestFacts['certificate']): Credentials {
    const proven = certificate && { jkt: undefined, x5t: certificate };
    return { token, digest: tokenDigest(token), dpop: undefined, sender: proven, hasUnusedProof: false };
  }

  function verifyRecord(credentials: Credentials, record: TokenRecord, now: number): AuthenticatedToken {
    try {
      requireActive(record);
      const authenticated = { credentials, record, claims: verify(record, demands, now, credentials.sender) };
      if (isUnproven) noteAcceptance();
      return authenticated;
    } catch (error) {
      throw noteRefusal(error, credentials, record, now);
    }
  }

  function noteAcceptance(): void {
    isUnproven = false;
    watch.stop();
  }

  /** Keeps what is needed to explain the refusal, and returns the error. */
  function noteRefusal(error: unknown, credentials?: Credentials, record?: TokenRecord, now = Number.NaN): unknown {
    if (!(error instanceof AuthError)) return error;
    if (credentials !== undefined) keepEvidence(error, { token: credentials.token, record, expected: demands, now });
    watch.rejected(error);
    return error;
  }

  return {
    identify,
    authenticate,
    introspect,
    verify: (record, proven) => void verify(record, demands, clock.now(), proven),
  };
}

/** Many requests may have waited for one failure; each gets an error of its own to pass on. */
function rethrow(error: unknown): never {
  throw error instanceof IntrospectionError
    ? new IntrospectionError(error.code, error.detail, error.retryAfterSeconds)
    : error;
}
