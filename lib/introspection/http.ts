import { EventEmitter } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { Dispatcher as UndiciDispatcher } from 'undici';
import { IntrospectionError } from '../errors.js';
import type { ClientAuth } from '../types.js';
import { createConnections } from './connections.js';

/**
 * An undici dispatcher: a `ProxyAgent`, an `Agent` with your own CA, a `MockAgent`.
 * It must not follow redirects: the token and the credentials would go along.
 */
export type Dispatcher = Pick<UndiciDispatcher, 'request'>;

export interface TransportSettings {
  readonly endpoint: URL;
  readonly timeoutMs: number;
  readonly dispatcher: Dispatcher | undefined;
  readonly connect: ClientAuth['connect'];
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

/** What replies mean, by their status. */
export interface ReplyRules {
  /** Whether the body is wanted. */
  reads(status: number): boolean;
  /** Whether our credentials were refused. */
  refuses(status: number): boolean;
}

export interface Transport {
  /**
   * POSTs what `prepare` makes. There is at most one retry, for which `prepare` is called again, so that assertions can be
   * fresh: after a lost connection, or when the credentials were refused and others are at hand.
   */
  post(prepare: (refused: boolean) => Promise<Attempt>, rules: ReplyRules): Promise<Reply>;
  /** How many times the endpoint was asked, retries included. */
  calls(): number;
  /** Ends once what is under way has ended. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 256 * 1024;

/** The connection died under the request: another one may do, and asking twice about a token does no harm. */
const RESETS: ReadonlySet<unknown> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Error codes are names such as ECONNREFUSED or CERT_HAS_EXPIRED. Anything else is not passed on. */
const ERROR_CODE = /^[A-Z0-9_]{1,64}$/;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function createTransport({ endpoint, timeoutMs, dispatcher, connect }: TransportSettings): Transport {
  const own = dispatcher === undefined ? createConnections(endpoint, timeoutMs, connect) : undefined;
  const via: () => Dispatcher = own === undefined ? () => dispatcher as Dispatcher : own.current;
  const { origin } = endpoint;
  const path = endpoint.pathname + endpoint.search;

  let calls = 0;
  let underWay = 0;
  let whenIdle: () => void = () => {};

  async function exchange(
    via: Dispatcher,
    { headers, body }: Attempt,
    { reads }: ReplyRules,
    deadline: Deadline,
  ): Promise<Reply> {
    if (deadline.passed) throw new IntrospectionError('timeout');
    calls++;
    const response = await via.request({
      origin,
      path,
      method: 'POST',
      headers,
      body,
      signal: deadline.signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const { statusCode: status, headers: fields } = response;
    if (wasRedirected(response)) throw refuse(response, 'redirect');
    if (reads(status)) return { status, headers: fields, body: await readText(response) };
    discard(response);
    return { status, headers: fields, body: '' };
  }

  return {
    post(prepare, rules) {
      underWay++;
      return withDeadline(
        timeoutMs,
        async (deadline) => {
          const first = await prepare(false);
          const used = via();
          let refusal: Reply | undefined;
          try {
            const reply = await exchange(used, first, rules, deadline);
            if (!rules.refuses(reply.status)) return reply;
            refusal = reply;
          } catch (error) {
            if (!isReset(error) || deadline.passed) throw outage(error);
          }
          const second = await prepare(refusal !== undefined);
          if (refusal !== undefined && isDeepStrictEqual(first, second) && !(await own?.renew(used))) return refusal;
          try {
            return await exchange(via(), second, rules, deadline);
          } catch (error) {
            throw outage(error);
          }
        },
        () => {
          underWay--;
          if (underWay === 0) whenIdle();
        },
      );
    },
    calls: () => calls,
    async close() {
      if (underWay > 0) {
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
        });
      }
      await own?.close();
    },
  };
}

interface Deadline {
  passed: boolean;
  /** Emits `abort`: undici takes an emitter as well as an `AbortSignal`, and it costs a tenth. */
  readonly signal: EventEmitter;
}

/** One deadline over everything `work` does, whether or not it heeds the signal; `onEnd` is called when either has ended. */
function withDeadline<T>(timeoutMs: number, work: (deadline: Deadline) => Promise<T>, onEnd: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline: Deadline = { passed: false, signal: new EventEmitter() };
    const timer = setTimeout(() => {
      deadline.passed = true;
      deadline.signal.emit('abort');
      reject(new IntrospectionError('timeout'));
      onEnd();
    }, timeoutMs);
    const end = (): void => {
      if (deadline.passed) return;
      clearTimeout(timer);
      onEnd();
    };
    work(deadline).then(
      (value) => {
        end();
        resolve(value);
      },
      (error) => {
        end();
        reject(error);
      },
    );
  });
}

/** Reads the body up to the cap. A content coding is refused: what it expands to would be unbounded. */
function readText(response: Response): Promise<string | IntrospectionError> {
  return new Promise((resolve) => {
    const { body, headers } = response;
    const coding = headers['content-encoding'];
    if (coding !== undefined && coding !== 'identity') {
      resolve(refuse(response, 'content coding'));
      return;
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    body.on('data', (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size > MAX_BODY_BYTES) resolve(refuse(response, 'too large'));
      else chunks.push(chunk);
    });
    body.on('end', () => resolve(decode(chunks)));
    body.on('error', (error) => resolve(outage(error)));
    body.on('close', () => {
      if (!body.readableEnded) resolve(outage(undefined));
    });
  });
}

function decode(chunks: readonly Uint8Array[]): string | IntrospectionError {
  const [first] = chunks;
  try {
    return utf8.decode(chunks.length === 1 ? first : Buffer.concat(chunks));
  } catch {
    return new IntrospectionError('bad_response', 'not UTF-8');
  }
}

/** A dispatcher of the app's may follow redirects; what another host says is not the endpoint's word. */
function wasRedirected({ context }: Response): boolean {
  const { history } = (context ?? {}) as { history?: readonly unknown[] };
  return history !== undefined && history.length > 0;
}

function refuse(response: Response, detail: string): IntrospectionError {
  discard(response);
  return new IntrospectionError('bad_response', detail);
}

/** Destroying a body that has not ended is reported as an error of its own. */
function discard({ body }: Response): void {
  body.on('error', () => {});
  body.destroy();
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
