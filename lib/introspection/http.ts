import { Pool, type Dispatcher as UndiciDispatcher } from 'undici';
import { IntrospectionError } from '../errors.js';

/**
 * An undici dispatcher: a `ProxyAgent`, an `Agent` with your own CA, a `MockAgent`.
 * It must not follow redirects: the token and the credentials would go along.
 */
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
  /** What was read, or why it could not be; empty where nobody wanted it. */
  readonly body: string | IntrospectionError;
}

type Response = Awaited<ReturnType<Dispatcher['request']>>;

export interface Transport {
  /**
   * POSTs what `prepare` makes, and reads the body of replies with a status that `reads` wants.
   * For the one retry `prepare` is called again, so that assertions can be fresh.
   */
  post(prepare: () => Promise<Attempt>, reads: (status: number) => boolean): Promise<Reply>;
  /** Ends once what is under way has ended. */
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

  const underWay = new Set<Promise<unknown>>();

  async function exchange(
    { headers, body }: Attempt,
    reads: (status: number) => boolean,
    signal: AbortSignal,
  ): Promise<Reply> {
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
    // Destroying the stream, here or by leaving a loop early, reports that as an error of its own.
    response.body.on('error', () => {});
    if (wasRedirected(response)) throw refuse(response, 'redirect');
    if (reads(response.statusCode)) {
      return { status: response.statusCode, headers: response.headers, body: await readText(response) };
    }
    response.body.destroy();
    return { status: response.statusCode, headers: response.headers, body: '' };
  }

  return {
    post(prepare, reads) {
      const reply = withDeadline(timeoutMs, async (signal) => {
        try {
          return await exchange(await prepare(), reads, signal);
        } catch (error) {
          if (!isReset(error) || signal.aborted) throw outage(error);
        }
        try {
          return await exchange(await prepare(), reads, signal);
        } catch (error) {
          throw outage(error);
        }
      });
      underWay.add(reply);
      const done = (): unknown => underWay.delete(reply);
      reply.then(done, done);
      return reply;
    },
    async close() {
      await Promise.allSettled(underWay);
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
async function readText(response: Response): Promise<string | IntrospectionError> {
  const coding = response.headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') return refuse(response, 'content coding');
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > MAX_BODY_BYTES) return refuse(response, 'too large');
      chunks.push(chunk);
    }
  } catch (error) {
    return outage(error);
  }
  try {
    return utf8.decode(Buffer.concat(chunks));
  } catch {
    return new IntrospectionError('bad_response', 'not UTF-8');
  }
}

/** A dispatcher of the app's may follow redirects; what another host says is not the endpoint's word. */
function wasRedirected({ context }: Response): boolean {
  const { history } = (context ?? {}) as { history?: readonly unknown[] };
  return history !== undefined && history.length > 0;
}

function refuse({ body }: Response, detail: string): IntrospectionError {
  body.destroy();
  return new IntrospectionError('bad_response', detail);
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
