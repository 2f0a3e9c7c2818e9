import type { Claims } from './core/claims.js';
import { type Clock, readClock } from './core/clock.js';
import { AuthError, IntrospectionError } from './core/errors.js';
import {
  type ActiveRecord,
  ANY_AGE,
  type DpopPresentation,
  type Freshness,
  type Proven,
  type Question,
  type TokenRecord,
} from './core/lookup.js';
import { tokenDigest } from './core/token-digest.js';
import { readAuthorizationHeader } from './credentials/authorization-header.js';
import { type RequestFacts, readCredentials } from './credentials/read-credentials.js';
import { readToken, requireB64Token } from './credentials/token.js';
import { keepEvidence } from './diagnostics/explain.js';
import type { SharedLookup } from './introspector.js';
import type { AuthenticatorDemands } from './policy.js';
import { requireProof } from './verification/sender/sender-constraint.js';
import { requireActive, verify } from './verification/verify.js';

/** A token that passed: who asked, what the endpoint said, and the claims for the handler. */
export interface Verified {
  readonly question: Question;
  readonly record: ActiveRecord;
  readonly claims: Claims;
}

export interface Authenticator {
  /**
   * The question a request puts; `undefined` for an anonymous one where that is allowed.
   *
   * @throws AuthError, IntrospectionError
   */
  identify(facts: RequestFacts): Question | undefined;
  /**
   * Lookup and verification. A memory hit is judged in the same tick, without a promise.
   *
   * @throws AuthError, IntrospectionError
   */
  authenticate(question: Question, freshness: Freshness): Verified | Promise<Verified>;
  /** The same judgement for a token that came some other way than in a request. */
  introspect(token: string): Promise<Verified>;
  /** Verification alone, of another answer to the same question. */
  verify(record: ActiveRecord, proven: Proven | undefined): void;
}

export function createAuthenticator(
  shared: Pick<SharedLookup, 'requireOpen' | 'lookup' | 'watchRefusals'>,
  demands: AuthenticatorDemands,
  clock: Clock,
): Authenticator {
  const watch = shared.watchRefusals();
  /** Apart from the watch, because it is looked at for every token. */
  let isUnproven = true;

  function identify(facts: RequestFacts): Question | undefined {
    shared.requireOpen();
    const token = readOwnCredentials(facts);
    const bound =
      facts.dpop === undefined || demands.usesGetToken
        ? undefined
        : readAuthorizationHeader(facts.authorization, 'dpop');
    if (token !== undefined) {
      if (bound !== undefined) throw new AuthError('repeated_credentials');
      const question = ask(token, facts.certificate);
      return facts.dpop?.isPresent ? { ...question, hasUnusedProof: true } : question;
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

  function authenticate(question: Question, freshness: Freshness): Verified | Promise<Verified> {
    if (question.dpop !== undefined && question.proven?.jkt === undefined) {
      return authenticateProven(question, question.dpop, freshness);
    }
    const found = lookUp(question, freshness);
    return found instanceof Promise
      ? found.then(
          (record) => judge(question, record, clock.now()),
          (error: unknown) => rethrow(noteRefusal(error, question)),
        )
      : judge(question, found, freshness.now.at);
  }

  function lookUp(question: Question, freshness: Freshness): TokenRecord | Promise<TokenRecord> {
    try {
      if (question.hasUnusedProof) throw new AuthError('sender_constrained');
      // Judged here too, so that the endpoint is not asked in vain.
      requireProof(demands, question.proven);
      return shared.lookup(question, freshness);
    } catch (error) {
      throw noteRefusal(error, question);
    }
  }

  /** A proof is used up last: what fails before leaves it as it was. */
  async function authenticateProven(
    question: Question,
    presented: DpopPresentation,
    freshness: Freshness,
  ): Promise<Verified> {
    const { dpop } = demands;
    requireB64Token(question.token);
    if (dpop === undefined) throw new AuthError('invalid_dpop_proof');
    const proof = await dpop.verify(presented, question.key);
    const proven = { x5t: question.proven?.x5t, jkt: proof.jkt };
    const verified = await authenticate({ ...question, proven }, freshness);
    await dpop.use(proof, presented.accepted);
    presented.renewsNonce = proof.isNonceOld;
    return verified;
  }

  async function introspect(token: string): Promise<Verified> {
    return authenticate(ask(readToken(token)), {
      askedSince: ANY_AGE,
      now: readClock(clock),
      background: false,
      isKnown: false,
    });
  }

  function ask(token: string, certificate?: RequestFacts['certificate']): Question {
    const proven = certificate && { jkt: undefined, x5t: certificate };
    return { token, key: tokenDigest(token), dpop: undefined, proven, hasUnusedProof: false };
  }

  function judge(question: Question, record: TokenRecord, now: number): Verified {
    try {
      requireActive(record);
      const verified = { question, record, claims: verify(record, demands, now, question.proven) };
      if (isUnproven) noteAcceptance();
      return verified;
    } catch (error) {
      throw noteRefusal(error, question, record, now);
    }
  }

  function noteAcceptance(): void {
    isUnproven = false;
    watch.stop();
  }

  /** Keeps what is needed to explain the refusal, and returns the error. */
  function noteRefusal(error: unknown, question?: Question, record?: TokenRecord, now = Number.NaN): unknown {
    if (!(error instanceof AuthError)) return error;
    if (question !== undefined) keepEvidence(error, { token: question.token, record, expected: demands, now });
    watch.refused(error);
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
