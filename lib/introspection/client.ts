import { randomBytes } from 'node:crypto';
import { type Clock, readClock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { ANY_AGE, type Lookup, type LookupOptions, type TokenKey, type TokenRecord } from '../core/lookup.js';
import { beforeDeadline, type Deadline } from '../core/timeout.js';
import { tokenDigest } from '../core/token-digest.js';
import { digestOf } from '../diagnostics/channels.js';
import { createAdaptiveWidth } from './adaptive-width.js';
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.js';
import { createConcurrencyLimit } from './concurrency-limit.js';
import { createConfigurationWarnings } from './configuration-warnings.js';
import { createFailedTokens } from './failed-tokens.js';
import { createPrepareRequest, type RequestSettings } from './introspection-request.js';
import { isBodyNeeded, parseResponse, prepareResponseSchema, type ResponseNormalizer } from './response.js';
import { createSendWithRetry } from './retry.js';
import { createLocator, type ParsedServerLocation } from './server-location.js';
import type { AuthorizationServer } from './server-metadata.js';
import { createResponseVerifier, type SignedResponseSettings } from './signed-response.js';
import { createTransport, type TransportSettings } from './transport.js';

export interface IntrospectionClientSettings
  extends RequestSettings,
    Pick<TransportSettings, 'timeoutMs' | 'dispatcher'> {
  readonly location: ParsedServerLocation;
  readonly normalizer: ResponseNormalizer | undefined;
  readonly signedResponse: SignedResponseSettings | undefined;
  readonly clock: Clock;
}

export interface IntrospectionClient {
  readonly lookup: Lookup;
  /**
   * Asks the endpoint about a random token that nobody issued. Neither the circuit breaker nor the concurrency limit applies to this
   * request.
   */
  probe(): Promise<TokenRecord>;
  /**
   * Requires that the circuit breaker allows a call to the endpoint.
   *
   * @throws IntrospectionError `circuit_open` while it allows no call
   */
  readonly assertCallAllowed: CircuitBreaker['assertCallAllowed'];
  readonly diagnose: CircuitBreaker['diagnose'];
  /**
   * Returns the endpoint and the metadata of the authorization server.
   *
   * @throws IntrospectionError when its metadata cannot be fetched or used
   */
  server(): AuthorizationServer | Promise<AuthorizationServer>;
  /** Number of attempts to send an introspection request since the client was created. Retries and probes count too. */
  calls(): number;
  /** Whether at least one response of the endpoint so far said that the token is active. */
  wasAnyActive(): boolean;
  close(): Promise<void>;
}

/** Number of concurrent calls about any token: at the start, at least, and at most. The number adapts to the throughput of the endpoint. */
const WIDTH = { start: 10, min: 1, max: 56 };

/**
 * Number of additional concurrent calls, only for tokens that were active lately. So a flood of unknown tokens does not delay these tokens.
 */
const RESERVED_FOR_KNOWN_TOKENS = 8;

/**
 * Creates a client that looks up tokens at the endpoint (RFC 7662 section 2.1). The token is the only part of a client's request that is
 * sent to the endpoint.
 */
export function createIntrospectionClient(settings: IntrospectionClientSettings): IntrospectionClient {
  const { clientAuth, clock, normalizer, signedResponse } = settings;
  prepareResponseSchema();
  const ownOrigins = originsOf(settings);
  const readsBody = (status: number) => isBodyNeeded(status, normalizer);
  const transport = createTransport({ ...settings, connect: clientAuth.connect, ownOrigins, readsBody });
  const sendWithRetry = createSendWithRetry({ ...settings, transport, handledStatuses: normalizer?.statuses });
  const locate = createLocator(settings.location, clientAuth.connect !== undefined, transport.get, clock);
  const verifyResponse = signedResponse && createResponseVerifier(signedResponse, transport.get, clock);
  const prepareRequest = createPrepareRequest(settings, signedResponse !== undefined);
  const breaker = createCircuitBreaker({ clock, timeoutMs: settings.timeoutMs, probe });
  const { monotonic } = clock;
  const limit = createConcurrencyLimit({
    width: createAdaptiveWidth({ ...WIDTH, monotonic }),
    reserved: RESERVED_FOR_KNOWN_TOKENS,
  });
  const failedTokens = createFailedTokens(monotonic);
  const warnings = createConfigurationWarnings(clientAuth.methods, probe);

  async function requestRecord(
    { token, digest }: TokenKey,
    { background }: LookupOptions,
    deadline: Deadline,
    isOurToken = false,
  ): Promise<TokenRecord> {
    try {
      const located = locate();
      const server = located instanceof Promise ? await located : located;
      warnings.aboutMethods(server.authMethods);
      const { response, sentAt } = await sendWithRetry(
        (isUnauthorized) => prepareRequest(token, server, isUnauthorized),
        { tokenDigest: digestOf(digest), background },
        deadline,
      );
      const plain = verifyResponse === undefined ? response : await verifyResponse(response, server, sentAt);
      const record = parseResponse(plain, sentAt, normalizer);
      warnings.about(record);
      return record;
    } catch (error) {
      warnings.aboutFailure(deadline.passed ? new IntrospectionError('timeout') : error, isOurToken);
      throw error;
    }
  }

  function probe(): Promise<TokenRecord> {
    const token = randomBytes(32).toString('base64url');
    const tokenKey = { token, digest: tokenDigest(token) };
    const options = { notBefore: ANY_AGE, now: readClock(clock), background: true, isKnown: true };
    return transport.within((deadline) => requestRecord(tokenKey, options, deadline, true));
  }

  async function requestAndRemember(
    tokenKey: TokenKey,
    options: LookupOptions,
    deadline: Deadline,
  ): Promise<TokenRecord> {
    try {
      const record = await beforeDeadline(deadline, requestRecord(tokenKey, options, deadline));
      failedTokens.noteResponse(tokenKey.digest);
      return record;
    } catch (error) {
      failedTokens.noteFailure(tokenKey.digest, error);
      throw error;
    }
  }

  /**
   * Asks the circuit breaker twice: before the call waits for a place in the concurrency limit, and afterwards, because the breaker may
   * open during the wait.
   */
  function lookup(tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const { digest } = tokenKey;
    const { isKnown } = options;
    breaker.assertCallAllowed(isKnown);
    if (!isKnown) failedTokens.assertLookupAllowed(digest);
    return transport.within(
      (deadline) =>
        limit.run(
          () => breaker.run({ digest, isKnown }, () => requestAndRemember(tokenKey, options, deadline)),
          deadline,
          isKnown,
        ),
      monotonic() - options.now.monotonic,
    );
  }

  return {
    lookup,
    probe,
    server: locate,
    calls: transport.calls,
    wasAnyActive: warnings.wasAnyActive,
    assertCallAllowed: breaker.assertCallAllowed,
    diagnose: breaker.diagnose,
    close: transport.close,
  };
}

/**
 * Origins of the URLs in the options. A GET to any other origin, whose URL then comes from metadata, is sent without the option `headers`,
 * except `user-agent`.
 */
function originsOf({ location, signedResponse }: IntrospectionClientSettings): ReadonlySet<string> {
  const urls = [
    location.endpoint,
    location.issuer,
    signedResponse?.keys instanceof URL ? signedResponse.keys : undefined,
  ];
  return new Set(urls.flatMap((url) => (url !== undefined && URL.canParse(String(url)) ? [new URL(url).origin] : [])));
}
