import { IntrospectionError } from '../errors.js';
import { HEADER_VALUE } from '../grammar.js';
import { createWarning } from '../observe/warnings.js';
import { type ClientAuth, type Clock, type Instant, type Lookup, readClock, type TokenRecord } from '../types.js';
import { type AuthorizationServer, createLocator, takes, type WhomToAsk } from './authorization-server.js';
import type { Deadline } from './deadline.js';
import type { Attempt } from './http.js';
import { parseResponse, type ResponseNormalizer, readsBody } from './response.js';
import { createReplyOpener, SIGNED_MEDIA_TYPE, type SignedReplySettings } from './signed-reply.js';
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
  /** @throws IntrospectionError where it cannot be found */
  server(): AuthorizationServer | Promise<AuthorizationServer>;
  /** How many times the endpoint was asked, retries included. */
  calls(): number;
  close(): Promise<void>;
}

const UNAUTHORIZED = 401;

const MEDIA_TYPES = { form: 'application/x-www-form-urlencoded', json: 'application/json' };

/** Asks the endpoint about a token (RFC 7662 section 2.1). Nothing of the incoming request goes along but the token. */
export function createIntrospectionClient(settings: IntrospectionClientSettings): IntrospectionClient {
  const { clientAuth, clock, normalizer, signedReply } = settings;
  const transport = createTransport({ ...settings, connect: clientAuth.connect });
  const server = createLocator(settings.whom, clientAuth.connect !== undefined, transport.get, clock);
  const open = signedReply && createReplyOpener(signedReply, transport.get);
  const warnClientRejected = createWarning(
    'CLIENT_REJECTED',
    "The introspection endpoint refused this resource server's own request. " +
      'Requests are answered 503 until it accepts it: check "clientAuth", "endpoint" and "parameters".',
  );
  const warnMethod = createWarning(
    'METHOD_NOT_ADVERTISED',
    'The metadata of the authorization server do not name the configured "clientAuth" ' +
      `(${clientAuth.methods?.join(' or ')}) among the methods that its introspection endpoint takes.`,
  );
  const rules = {
    reads: (status: number) => readsBody(status, normalizer),
    refuses: (status: number) => status === UNAUTHORIZED && normalizer?.statuses.has(status) !== true,
  };

  async function ask(token: string, deadline: Deadline): Promise<TokenRecord> {
    const located = server();
    const asking = located instanceof Promise ? await located : located;
    if (!takes(asking.authMethods, clientAuth.methods)) warnMethod();
    let asked: Instant = { at: Number.NaN, monotonic: Number.NaN };
    const reply = await transport.post(
      async (refused) => {
        const attempt = await prepare(token, asking, refused, settings);
        asked = readClock(clock);
        return attempt;
      },
      rules,
      deadline,
    );
    try {
      return parseResponse(open === undefined ? reply : await open(reply, asking, asked), asked, normalizer);
    } catch (error) {
      if (error instanceof IntrospectionError && error.code === 'client_rejected') warnClientRejected();
      throw error;
    }
  }

  return {
    lookup: ({ token }) => transport.within((deadline) => ask(token, deadline)),
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
