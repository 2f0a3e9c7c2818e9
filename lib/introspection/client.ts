import { IntrospectionError } from '../errors.js';
import { HEADER_VALUE } from '../grammar.js';
import { digestOf } from '../observe/channels.js';
import {
  type ClientAuth,
  type Clock,
  type Freshness,
  type Instant,
  type Lookup,
  type Question,
  readClock,
  type TokenRecord,
} from '../types.js';
import { type AuthorizationServer, createLocator, type WhomToAsk } from './authorization-server.js';
import { createCircuit } from './circuit.js';
import { type Deadline, until } from './deadline.js';
import { type Attempt, headerOf, type Reply } from './http.js';
import { createLane } from './lane.js';
import { parseResponse, type ResponseNormalizer, readsBody } from './response.js';
import { createReplyOpener, SIGNED_MEDIA_TYPE, type SignedReplySettings } from './signed-reply.js';
import { createSuspicions } from './suspicions.js';
import { createTransport, type TransportSettings } from './transport.js';

export interface IntrospectionClientSettings extends Omit<TransportSettings, 'connect'> {
  readonly whom: WhomToAsk;
  readonly clientAuth: ClientAuth;
  readonly requestFormat: 'form' | 'json';
  readonly tokenParameter: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly normalizer: ResponseNormalizer | undefined;
  readonly signedReply: SignedReplySettings | undefined;
  readonly clock: Clock;
}

export interface IntrospectionClient {
  readonly lookup: Lookup;
  /**
   * Tells at once whether a lookup would be refused, without one.
   *
   * @throws IntrospectionError `circuit_open`
   */
  readonly requireAdmission: () => void;
  /** Asks past the circuit breaker. */
  readonly ask: Lookup;
  /** @throws IntrospectionError where it cannot be found */
  server(): AuthorizationServer | Promise<AuthorizationServer>;
  /** How many times the endpoint was asked, retries included. */
  calls(): number;
  close(): Promise<void>;
}

const UNAUTHORIZED = 401;

/** From a gateway before the endpoint, which may find it the next time. */
const STUMBLES: ReadonlySet<number> = new Set([502, 503, 504]);

/** How many questions are put side by side, and how many early refreshes, which a flood of unknown tokens does not hold up. */
const LANES = { foreground: 56, background: 8 };

const MEDIA_TYPES = { form: 'application/x-www-form-urlencoded', json: 'application/json' };

/** Asks the endpoint about a token (RFC 7662 section 2.1). Nothing of the incoming request goes along but the token. */
export function createIntrospectionClient(settings: IntrospectionClientSettings): IntrospectionClient {
  const { clientAuth, clock, normalizer, signedReply } = settings;
  const transport = createTransport({ ...settings, connect: clientAuth.connect });
  const server = createLocator(settings.whom, clientAuth.connect !== undefined, transport.get, clock);
  const open = signedReply && createReplyOpener(signedReply, transport.get);
  const circuit = createCircuit(clock, settings.timeoutMs);
  const foreground = createLane(LANES.foreground);
  const background = createLane(LANES.background);
  const suspicions = createSuspicions(clientAuth.methods);
  const handles = (status: number) => normalizer?.statuses.has(status) === true;
  const rules = {
    reads: (status: number) => readsBody(status, normalizer),
    refuses: (status: number) => status === UNAUTHORIZED && !handles(status),
    stumbles: (reply: Reply) =>
      STUMBLES.has(reply.status) && !handles(reply.status) && headerOf(reply, 'retry-after') === undefined,
  };

  async function inquire({ token, key }: Question, freshness: Freshness, deadline: Deadline): Promise<TokenRecord> {
    const located = server();
    const asking = located instanceof Promise ? await located : located;
    suspicions.aboutMethods(asking.authMethods);
    let asked: Instant = { at: Number.NaN, monotonic: Number.NaN };
    const reply = await transport.post(
      {
        ...rules,
        async prepare(refused) {
          const attempt = await prepare(token, asking, refused, settings);
          asked = readClock(clock);
          return attempt;
        },
        about: { tokenDigest: digestOf(key), background: freshness.background === true },
      },
      deadline,
    );
    return parseResponse(open === undefined ? reply : await open(reply, asking, asked), asked, normalizer);
  }

  async function ask(question: Question, freshness: Freshness, deadline: Deadline): Promise<TokenRecord> {
    try {
      return await inquire(question, freshness, deadline);
    } catch (error) {
      suspicions.aboutFailure(error);
      throw error;
    }
  }

  /** The circuit breaker is looked at before the wait in line, and after it. */
  async function lookup(question: Question, freshness: Freshness): Promise<TokenRecord> {
    circuit.requireAdmission();
    const lane = freshness.background ? background : foreground;
    const record = await transport.within(
      (deadline) =>
        lane.run(() => circuit.run(question.key, () => until(deadline, ask(question, freshness, deadline))), deadline),
      clock.monotonic() - freshness.now.monotonic,
    );
    suspicions.about(record);
    return record;
  }

  return {
    lookup,
    requireAdmission: circuit.requireAdmission,
    ask: (question, freshness) => transport.within((deadline) => ask(question, freshness, deadline)),
    server,
    calls: transport.calls,
    close: transport.close,
  };
}

/** Later lines win: credentials over extra parameters, the token and the framing over both. */
async function prepare(
  token: string,
  server: AuthorizationServer,
  refused: boolean,
  settings: IntrospectionClientSettings,
): Promise<Attempt> {
  const { requestFormat, tokenParameter, clientAuth, signedReply } = settings;
  const accept = signedReply === undefined ? 'application/json' : SIGNED_MEDIA_TYPE;
  const signed = {
    endpoint: server.endpoint.href,
    issuer: server.issuer,
    signingAlgorithms: server.authSigningAlgorithms,
    refused,
    headers: { accept, ...settings.headers } as Record<string, string>,
    parameters: { [tokenParameter]: token, ...settings.parameters } as Record<string, string>,
  };
  const headers: Record<string, string> = {};
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
  return { to: server.endpoint, headers, body };
}

function requireString(value: unknown, pattern?: RegExp): string {
  if (typeof value !== 'string' || pattern?.test(value) === false) throw new Error('not a string of its kind');
  return value;
}
