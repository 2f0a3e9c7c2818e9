import { IntrospectionError } from '../errors.js';
import { createWarning } from '../observe/warnings.js';
import type { ClientAuth, Clock, Lookup } from '../types.js';
import { type Attempt, createTransport, type TransportSettings } from './http.js';
import { parseResponse, type ResponseNormalizer } from './response.js';

export interface IntrospectionClientSettings extends Omit<TransportSettings, 'connect'> {
  readonly clientAuth: ClientAuth;
  readonly requestFormat: 'form' | 'json';
  readonly tokenParameter: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly normalizer: ResponseNormalizer | undefined;
  readonly clock: Clock;
}

export interface IntrospectionClient {
  readonly lookup: Lookup;
  /** How many questions were put to the endpoint. */
  calls(): number;
  close(): Promise<void>;
}

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
  let calls = 0;

  async function lookup(...[{ token }]: Parameters<Lookup>) {
    calls++;
    let asked = { at: clock.now(), monotonic: clock.monotonic() };
    const reply = await transport.post(async () => {
      const attempt = await prepare(token, settings);
      asked = { at: clock.now(), monotonic: clock.monotonic() };
      return attempt;
    });
    try {
      return parseResponse(reply, asked, normalizer);
    } catch (error) {
      if (error instanceof IntrospectionError && error.code === 'client_rejected') warnClientRejected();
      throw error;
    }
  }

  return { lookup, calls: () => calls, close: transport.close };
}

/** Later lines win: credentials over extra parameters, the token and the framing over both. */
async function prepare(token: string, settings: IntrospectionClientSettings): Promise<Attempt> {
  const headers: Record<string, string> = { accept: 'application/json', ...settings.headers };
  const parameters: Record<string, string> = { [settings.tokenParameter]: token, ...settings.parameters };
  await sign(settings, headers, parameters);
  parameters[settings.tokenParameter] = token;
  headers['content-type'] = MEDIA_TYPES[settings.requestFormat];
  headers['accept-encoding'] = 'identity';
  const body =
    settings.requestFormat === 'form' ? new URLSearchParams(parameters).toString() : JSON.stringify(parameters);
  return { headers, body };
}

async function sign(
  { clientAuth, endpoint }: IntrospectionClientSettings,
  headers: Record<string, string>,
  parameters: Record<string, string>,
): Promise<void> {
  try {
    await clientAuth.sign({ endpoint, headers, parameters });
  } catch {
    throw new IntrospectionError('credentials_unavailable');
  }
}
