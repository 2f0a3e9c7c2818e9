import { IntrospectionError } from '../errors.js';
import { HEADER_VALUE } from '../grammar.js';
import { createWarning } from '../observe/warnings.js';
import { type ClientAuth, type Clock, type Instant, type Lookup, readClock, type TokenRecord } from '../types.js';
import { type Attempt, createTransport, type TransportSettings } from './http.js';
import { parseResponse, type ResponseNormalizer, readsBody } from './response.js';

export interface IntrospectionClientSettings extends Omit<TransportSettings, 'connect'> {
  readonly clientAuth: ClientAuth;
  /** Of the authorization server, where it is known. */
  readonly issuer: string | undefined;
  readonly requestFormat: 'form' | 'json';
  readonly tokenParameter: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly normalizer: ResponseNormalizer | undefined;
  readonly clock: Clock;
}

export interface IntrospectionClient {
  readonly lookup: Lookup;
  /** How many times the endpoint was asked, retries included. */
  calls(): number;
  close(): Promise<void>;
}

const UNAUTHORIZED = 401;

const MEDIA_TYPES = { form: 'application/x-www-form-urlencoded', json: 'application/json' };

/** Asks the endpoint about a token (RFC 7662 section 2.1). Nothing of the incoming request goes along but the token. */
export function createIntrospectionClient(settings: IntrospectionClientSettings): IntrospectionClient {
  const { clientAuth, clock, normalizer } = settings;
  const transport = createTransport({ ...settings, connect: clientAuth.connect });
  const warnClientRejected = createWarning(
    'CLIENT_REJECTED',
    "The introspection endpoint refused this resource server's own request. " +
      'Requests are answered 503 until it accepts it: check "clientAuth", "endpoint" and "parameters".',
  );
  const rules = {
    reads: (status: number) => readsBody(status, normalizer),
    refuses: (status: number) => status === UNAUTHORIZED && normalizer?.statuses.has(status) !== true,
  };

  async function lookup(...[{ token }]: Parameters<Lookup>): Promise<TokenRecord> {
    let asked: Instant = { at: Number.NaN, monotonic: Number.NaN };
    const reply = await transport.post(async (refused) => {
      const attempt = await prepare(token, refused, settings);
      asked = readClock(clock);
      return attempt;
    }, rules);
    try {
      return parseResponse(reply, asked, normalizer);
    } catch (error) {
      if (error instanceof IntrospectionError && error.code === 'client_rejected') warnClientRejected();
      throw error;
    }
  }

  return { lookup, calls: transport.calls, close: transport.close };
}

/** Later lines win: credentials over extra parameters, the token and the framing over both. */
async function prepare(token: string, refused: boolean, settings: IntrospectionClientSettings): Promise<Attempt> {
  const { endpoint, issuer, requestFormat, tokenParameter, clientAuth } = settings;
  const signed = {
    endpoint: endpoint.href,
    issuer,
    refused,
    headers: { accept: 'application/json', ...settings.headers } as Record<string, string>,
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
  } catch {
    throw new IntrospectionError('credentials_unavailable');
  }
  headers['content-type'] = MEDIA_TYPES[requestFormat];
  headers['accept-encoding'] = 'identity';
  const parameters = { ...signed.parameters, [tokenParameter]: token };
  const body = requestFormat === 'form' ? new URLSearchParams(parameters).toString() : JSON.stringify(parameters);
  return { headers, body };
}

function requireString(value: unknown, pattern?: RegExp): string {
  if (typeof value !== 'string' || pattern?.test(value) === false) throw new Error('not a string of its kind');
  return value;
}
