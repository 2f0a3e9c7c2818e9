import { keyOf } from './cache/key.js';
import { type CredentialSources, type RequestFacts, readCredentials } from './credentials/read-credentials.js';
import { readToken } from './credentials/token.js';
import { AuthError, IntrospectionError } from './errors.js';
import type { SharedLookup } from './lookup.js';
import {
  type ActiveRecord,
  ANY_AGE,
  type Claims,
  type Clock,
  type Freshness,
  type Question,
  readClock,
  type TokenRecord,
} from './types.js';
import { requireActive, type VerificationDemands, verify } from './verification/verify.js';

export interface AuthenticatorDemands extends CredentialSources, VerificationDemands {
  readonly optional: boolean;
}

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
  verify(record: ActiveRecord): void;
}

export function createAuthenticator(shared: SharedLookup, demands: AuthenticatorDemands, clock: Clock): Authenticator {
  function identify(facts: RequestFacts): Question | undefined {
    shared.requireOpen();
    const token = readCredentials(facts, demands);
    if (token !== undefined) return ask(token);
    if (demands.optional) return undefined;
    throw new AuthError('no_credentials');
  }

  function authenticate(question: Question, freshness: Freshness): Verified | Promise<Verified> {
    const found = shared.lookup(question, freshness);
    return found instanceof Promise
      ? found.then((record) => judge(question, record, clock.now()), rethrow)
      : judge(question, found, freshness.now.at);
  }

  async function introspect(token: string): Promise<Verified> {
    return authenticate(ask(readToken(token)), { askedSince: ANY_AGE, now: readClock(clock) });
  }

  function ask(token: string): Question {
    return { token, key: keyOf(token) };
  }

  function judge(question: Question, record: TokenRecord, now: number): Verified {
    requireActive(record);
    return { question, record, claims: verify(record, demands, now) };
  }

  return { identify, authenticate, introspect, verify: (record) => void verify(record, demands, clock.now()) };
}

/** Many requests may have waited for one failure; each gets an error of its own to pass on. */
function rethrow(error: unknown): never {
  throw error instanceof IntrospectionError
    ? new IntrospectionError(error.code, error.detail, error.retryAfterSeconds)
    : error;
}
