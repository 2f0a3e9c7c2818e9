import { randomBytes } from 'node:crypto';
import type { ClientAuth } from '../core/client-auth.js';
import { type Clock, type Instant, readClock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { ANY_AGE, type Lookup, type LookupOptions, type TokenKey, type TokenRecord } from '../core/lookup.js';
import { HEADER_VALUE } from '../core/syntax.js';
import { beforeDeadline, type Deadline } from '../core/timeout.js';
import { tokenDigest } from '../core/token-digest.js';
import { digestOf } from '../diagnostics/channels.js';
import { createAdaptiveWidth } from './adaptive-width.js';
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.js';
import { createConcurrencyLimit } from './concurrency-limit.js';
import { createConfigurationWarnings } from './configuration-warnings.js';
import { createFailedTokens } from './failed-tokens.js';
import { type EndpointResponse, type HttpRequest, headerOf } from './http.js';
import { parseResponse, type ResponseNormalizer, readsBody } from './response.js';
import { createLocator, type ServerLocation } from './server-location.js';
import type { AuthorizationServer } from './server-metadata.js';
import { createResponseVerifier, SIGNED_MEDIA_TYPE, type SignedResponseSettings } from './signed-response.js';
import { createTransport, type TransportSettings } from './transport.js';
import { USER_AGENT } from './user-agent.js';

export interface IntrospectionClientSettings extends Omit<TransportSettings, 'connect'> {
  readonly location: ServerLocation;
  readonly clientAuth: ClientAuth;
  readonly requestFormat: 'form' | 'json';
  readonly tokenParameter: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly normalizer: ResponseNormalizer | undefined;
  readonly signedResponse: SignedResponseSettings | undefined;
  readonly clock: Clock;
}

export interface IntrospectionClient {
  readonly lookup: Lookup;
  /** Asks about a random token that nobody issued, past the circuit breaker. */
  probe(): Promise<TokenRecord>;
  /** @throws IntrospectionError `circuit_open` while a lookup would not ask */
  readonly assertCallAllowed: CircuitBreaker['assertCallAllowed'];
  readonly diagnose: CircuitBreaker['diagnose'];
  /** @throws IntrospectionError where it cannot be found */
  server(): AuthorizationServer | Promise<AuthorizationServer>;
  /** How many times the endpoint was asked, retries included. */
  calls(): number;
  /** Whether any response was active. */
  wasAnyActive(): boolean;
  close(): Promise<void>;
}

const UNAUTHORIZED = 401;

/** From a gateway before the endpoint, which may find it the next time. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** Calls side by side about any token. The number adapts to what the endpoint bears. */
const WIDTH = { start: 10, min: 1, max: 56 };

/** Further places, for tokens that were active lately: a flood of unknown tokens does not hold these up. */
const RESERVED_FOR_KNOWN_TOKENS = 8;

const MEDIA_TYPES = { form: 'application/x-www-form-urlencoded', json: 'application/json' };

/** Asks the endpoint about a token (RFC 7662 section 2.1). Nothing of the incoming request goes along but the token. */
export function createIntrospectionClient(settings: IntrospectionClientSettings): IntrospectionClient {
  const { clientAuth, clock, normalizer, signedResponse } = settings;
  const ownOrigins = originsOf(settings);
  const transport = createTransport({ ...settings, connect: clientAuth.connect, ownOrigins });
  const server = createLocator(settings.location, clientAuth.connect !== undefined, transport.get, clock);
  const open = signedResponse && createResponseVerifier(signedResponse, transport.get, clock);
  const breaker = createCircuitBreaker({ clock, timeoutMs: settings.timeoutMs, probe });
  const { monotonic } = clock;
  const limit = createConcurrencyLimit({
    width: createAdaptiveWidth({ ...WIDTH, monotonic }),
    reserved: RESERVED_FOR_KNOWN_TOKENS,
  });
  const failedTokens = createFailedTokens(monotonic);
  const warnings = createConfigurationWarnings(clientAuth.methods, probe);
  const handles = (status: number) => normalizer?.statuses.has(status) === true;
  const rules = {
    wantsBody: (status: number) => readsBody(status, normalizer),
    isUnauthorized: (status: number) => status === UNAUTHORIZED && !handles(status),
    isTransient: (reply: EndpointResponse) =>
      TRANSIENT_STATUSES.has(reply.status) && !handles(reply.status) && headerOf(reply, 'retry-after') === undefined,
  };

  async function inquire(
    { token, digest: key }: TokenKey,
    options: LookupOptions,
    deadline: Deadline,
  ): Promise<TokenRecord> {
    const located = server();
    const asking = located instanceof Promise ? await located : located;
    warnings.aboutMethods(asking.authMethods);
    let asked: Instant = { at: Number.NaN, monotonic: Number.NaN };
    const reply = await transport.post(
      {
        ...rules,
        async prepare(refused) {
          const attempt = await prepare(token, asking, refused, settings);
          asked = readClock(clock);
          return attempt;
        },
        about: { tokenDigest: digestOf(key), background: options.background },
      },
      deadline,
    );
    return parseResponse(open === undefined ? reply : await open(reply, asking, asked), asked, normalizer);
  }

  async function ask(
    tokenKey: TokenKey,
    options: LookupOptions,
    deadline: Deadline,
    isOurToken = false,
  ): Promise<TokenRecord> {
    try {
      const record = await inquire(tokenKey, options, deadline);
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
    return transport.within((deadline) => ask(tokenKey, options, deadline, true));
  }

  async function askOrRemember(tokenKey: TokenKey, options: LookupOptions, deadline: Deadline): Promise<TokenRecord> {
    try {
      const record = await beforeDeadline(deadline, ask(tokenKey, options, deadline));
      failedTokens.noteAnswer(tokenKey.digest);
      return record;
    } catch (error) {
      failedTokens.noteFailure(tokenKey.digest, error);
      throw error;
    }
  }

  /** The circuit breaker is asked before the wait for a place, and after it. */
  async function lookup(tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const { digest } = tokenKey;
    const { isKnown } = options;
    breaker.assertCallAllowed(isKnown);
    if (!isKnown) failedTokens.assertMayAsk(digest);
    return transport.within(
      (deadline) =>
        limit.run(
          () => breaker.run({ digest, isKnown }, () => askOrRemember(tokenKey, options, deadline)),
          deadline,
          isKnown,
        ),
      monotonic() - options.now.monotonic,
    );
  }

  return {
    lookup,
    probe,
    server,
    calls: transport.calls,
    wasAnyActive: warnings.wasAnyActive,
    assertCallAllowed: breaker.assertCallAllowed,
    diagnose: breaker.diagnose,
    close: transport.close,
  };
}

/** Later lines win: credentials over extra parameters, the token and the framing over both. */
async function prepare(
  token: string,
  server: AuthorizationServer,
  refused: boolean,
  settings: IntrospectionClientSettings,
): Promise<HttpRequest> {
  const { requestFormat, tokenParameter, clientAuth, signedResponse } = settings;
  const accept = signedResponse === undefined ? 'application/json' : SIGNED_MEDIA_TYPE;
  const signed = {
    endpoint: server.endpoint.href,
    issuer: server.issuer,
    signingAlgorithms: server.authSigningAlgorithms,
    refused,
    headers: { accept, 'user-agent': USER_AGENT, ...settings.headers } as Record<string, string>,
    parameters: { [tokenParameter]: token, ...settings.parameters } as Record<string, string>,
  };
  // Without a prototype, so that a header may have any name.
  const headers: Record<string, string> = Object.create(null);
  try {
    const signing = clientAuth.sign(signed);
    if (signing !== undefined) await signing;
    for (const name of Object.keys(signed.parameters)) requireString(signed.parameters[name]);
    for (const name of Object.keys(signed.headers)) {
      headers[name.toLowerCase()] = requireString(signed.headers[name], HEADER_VALUE);
    }
  } catch (error) {
    throw error instanceof IntrospectionError ? error : new IntrospectionError('credentials_unavailable');
  }
  headers['content-type'] = MEDIA_TYPES[requestFormat];
  headers['accept-encoding'] = 'identity';
  const parameters = { ...signed.parameters, [tokenParameter]: token };
  const body = requestFormat === 'form' ? new URLSearchParams(parameters).toString() : JSON.stringify(parameters);
  return { to: server.endpoint, headers: { ...headers }, body };
}

function requireString(value: unknown, pattern?: RegExp): string {
  if (typeof value !== 'string' || pattern?.test(value) === false) throw new Error('not a string of its kind');
  return value;
}

/** Origins that the app wrote itself, and so trusts with its `headers`. Metadata may name others. */
function originsOf({ location, signedResponse }: IntrospectionClientSettings): ReadonlySet<string> {
  const urls = [
    location.endpoint,
    location.issuer,
    signedResponse?.keys instanceof URL ? signedResponse.keys : undefined,
  ];
  return new Set(urls.flatMap((url) => (url !== undefined && URL.canParse(String(url)) ? [new URL(url).origin] : [])));
}
