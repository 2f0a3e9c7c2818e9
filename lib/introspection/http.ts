import { Pool, type Dispatcher as UndiciDispatcher } from 'undici';
import { IntrospectionError } from '../errors.js';

/** An undici dispatcher: a `ProxyAgent`, an `Agent` with your own CA, a `MockAgent`. */
export type Dispatcher = Pick<UndiciDispatcher, 'request'>;

export interface TransportSettings {
  readonly endpoint: URL;
  readonly timeoutMs: number;
  readonly dispatcher: Dispatcher | undefined;
  readonly connect: Readonly<Record<string, unknown>> | undefined;
}

/** One attempt, ready to be sent. */
export interface Attempt {
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Transport {
  /** POSTs what `prepare` makes. It is called again for the one retry, so that assertions can be fresh. */
  post(prepare: () => Attempt | Promise<Attempt>): Promise<Reply>;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 256 * 1024;
const MAX_CONNECTIONS = 64;

/** Used where the server announces no `Keep-Alive: timeout` of its own; a minute of quiet keeps its connection. */
const KEEP_ALIVE_MS = 90_000;

/** The connection died under the request: another one may do, and asking twice about a token does no harm. */
const RESETS: ReadonlySet<unknown> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Error codes are names such as ECONNREFUSED or CERT_HAS_EXPIRED. Anything else is not passed on. */
const ERROR_CODE = /^[A-Z0-9_]{1,64}$/;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function createTransport({ endpoint, timeoutMs, dispatcher, connect }: TransportSettings): Transport {
  const pool = dispatcher === undefined ? createPool(endpoint, timeoutMs, connect) : undefined;
  const via = dispatcher ?? (pool as Dispatcher);
  const { origin } = endpoint;
  const path = endpoint.pathname + endpoint.search;

  async function exchange({ headers, body }: Attempt, signal: AbortSignal): Promise<Reply> {
    const response = await via.request({
      origin,
      path,
      method: 'POST',
      headers,
      body,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return { status: response.statusCode, headers: response.headers, text: await readText(response) };
  }

  return {
    post: (prepare) =>
      withDeadline(timeoutMs, async (signal) => {
        try {
          return await exchange(await prepare(), signal);
        } catch (error) {
          if (!isReset(error) || signal.aborted) throw outage(error);
        }
        try {
          return await exchange(await prepare(), signal);
        } catch (error) {
          throw outage(error);
        }
      }),
    close: async () => {
      await pool?.close();
    },
  };
}

function createPool(endpoint: URL, timeoutMs: number, connect: TransportSettings['connect']): Pool {
  return new Pool(endpoint.origin, {
    connections: MAX_CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: { ...connect, timeout: timeoutMs },
  });
}

/** One deadline over everything `work` does, whether or not it heeds the signal. */
function withDeadline<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      reject(new IntrospectionError('timeout'));
      controller.abort();
    }, timeoutMs);
    work(controller.signal)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/** Reads the body up to the cap. A content coding is refused: what it expands to would be unbounded. */
async function readText({ headers, body }: Awaited<ReturnType<Dispatcher['request']>>): Promise<string> {
  // Leaving the loop early destroys the stream, which reports that as an error of its own.
  body.on('error', () => {});
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') {
    body.destroy();
    throw new IntrospectionError('bad_response', 'content coding');
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > MAX_BODY_BYTES) throw new IntrospectionError('bad_response', 'too large');
      chunks.push(chunk);
    }
  } catch (error) {
    throw outage(error);
  }
  try {
    return utf8.decode(Buffer.concat(chunks));
  } catch {
    throw new IntrospectionError('bad_response', 'not UTF-8');
  }
}

function isReset(error: unknown): boolean {
  return RESETS.has(codeOf(error));
}

/** Maps a transport failure to an outage. The original is dropped: its text may name hosts, headers or bodies. */
function outage(error: unknown): IntrospectionError {
  if (error instanceof IntrospectionError) return error;
  const code = codeOf(error);
  return new IntrospectionError('unreachable', typeof code === 'string' && ERROR_CODE.test(code) ? code : undefined);
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
