import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ClientAuth } from '../core/client-auth.js';
import { IntrospectionError } from '../core/errors.js';
import { type Deadline, withDeadline } from '../core/timeout.js';
import { type EndpointCall, endpointCalls, isTraced } from '../diagnostics/channels.js';
import { createConnections } from './connections.js';
import {
  type Dispatcher,
  type Endpoint,
  type EndpointResponse,
  exchange,
  type HttpRequest,
  isConnectionFailure,
  toEndpoint,
  toIntrospectionError,
  withoutQuery,
} from './http.js';
import { USER_AGENT } from './user-agent.js';

export interface TransportSettings {
  readonly timeoutMs: number;
  readonly dispatcher: Dispatcher | undefined;
  readonly connect: ClientAuth['connect'];
  /** The option `headers`, names in lower case. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Origins that the app wrote itself. Metadata and keys of other origins are requested without `headers`. Default none. */
  readonly ownOrigins?: ReadonlySet<string>;
}

/** One tokenKey, and what replies to it mean. */
export interface IntrospectionExchange {
  /** What is sent; called again for a retry, and told whether our credentials were refused. */
  prepare(refused: boolean): Promise<HttpRequest>;
  /** Whether the body of a reply with this status is wanted. */
  wantsBody(status: number): boolean;
  /** Whether a reply with this status refuses our credentials. */
  isUnauthorized(status: number): boolean;
  /** Whether a reply says no more than that another try may do. */
  isTransient(reply: EndpointResponse): boolean;
  /** What tracing tells of it. */
  readonly about: Pick<EndpointCall, 'tokenDigest' | 'background'>;
}

export interface Transport {
  /**
   * Runs what asks within one deadline, of which some time may have been spent already; closing waits for it.
   *
   * @throws IntrospectionError `timeout`, or `closed` once closing has ended
   */
  within<T>(work: (deadline: Deadline) => Promise<T>, spentMs?: number): Promise<T>;
  /**
   * POSTs a tokenKey. There is at most one retry: when no connection came about or it was lost before a reply, when the
   * endpoint stumbled, or when the credentials were refused and others are at hand.
   */
  post(inquiry: IntrospectionExchange, deadline: Deadline): Promise<EndpointResponse>;
  /** GETs what the authorization server publishes, once, over a connection and within a deadline of its own. */
  get(url: URL, accept: string): Promise<EndpointResponse>;
  /** How many times the endpoint was asked, retries included. */
  calls(): number;
  /** Ends once what is under way has ended. */
  close(): Promise<void>;
}

const OK = 200;

/** Before the retry, so that those who failed together do not come back together. */
const MAX_JITTER_MS = 100;

/** The option `headers` is written for POST requests: these would be wrong with a GET. */
const NOT_FOR_GET = /^(?:accept$|content-)/;

export function createTransport({
  timeoutMs,
  dispatcher,
  connect,
  headers = {},
  ownOrigins,
}: TransportSettings): Transport {
  const own = dispatcher === undefined ? createConnections(timeoutMs, connect) : undefined;
  const via: (to: Endpoint) => Dispatcher =
    own === undefined ? () => dispatcher as Dispatcher : ({ origin }) => own.to(origin);
  const published = Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_FOR_GET.test(name)));

  let calls = 0;
  let underWay = 0;
  let whenIdle: () => void = () => {};
  /** Nothing is under way any more, and nothing may begin. */
  let closed = false;

  /** Does `work` over a new connection, because pooled ones often die together; a dispatcher of the app decides itself. */
  function overNew<T>(to: Endpoint, work: (via: Dispatcher) => Promise<T>): Promise<T> {
    return own === undefined ? work(via(to)) : own.overNew(to.origin, work);
  }

  async function ask(
    attempt: HttpRequest,
    number: number,
    inquiry: IntrospectionExchange,
    deadline: Deadline,
    lostConnection = false,
  ): Promise<EndpointResponse> {
    if (!deadline.passed) calls++;
    const over = (dispatcher: Dispatcher) => exchange(dispatcher, attempt, inquiry.wantsBody, deadline);
    const asking = () => (lostConnection ? overNew(attempt.to, over) : over(via(attempt.to)));
    if (!isTraced()) return asking();
    const call: EndpointCall = { endpoint: withoutQuery(attempt.to), attempt: number, ...inquiry.about };
    return trace(call, asking, deadline);
  }

  function within<T>(work: (deadline: Deadline) => Promise<T>, spentMs = 0): Promise<T> {
    if (closed) return Promise.reject(new IntrospectionError('closed'));
    underWay++;
    return withDeadline(Math.max(1, timeoutMs - spentMs), work, () => {
      underWay--;
      if (underWay === 0) whenIdle();
    });
  }

  return {
    within,
    async post(inquiry, deadline) {
      const { prepare, isUnauthorized: refuses, isTransient: stumbles } = inquiry;
      const first = await prepare(false);
      const used = via(first.to);
      let reply: EndpointResponse | undefined;
      try {
        reply = await ask(first, 1, inquiry, deadline);
      } catch (error) {
        if (!isConnectionFailure(error) || deadline.passed) throw toIntrospectionError(error);
      }
      const isRefused = reply !== undefined && refuses(reply.status);
      if (reply !== undefined && !isRefused && !stumbles(reply)) return reply;
      if (!isRefused) await setTimeout(Math.random() * Math.min(MAX_JITTER_MS, timeoutMs / 10));
      if (deadline.passed) throw new IntrospectionError('timeout');
      const second = await prepare(isRefused);
      if (reply !== undefined && isRefused && isDeepStrictEqual(first, second) && !(await own?.renew(used)))
        return reply;
      try {
        return await ask(second, 2, inquiry, deadline, reply === undefined);
      } catch (error) {
        throw toIntrospectionError(error);
      }
    },
    get: (url, accept) =>
      within(async (deadline) => {
        const userAgent = headers['user-agent'] ?? USER_AGENT;
        const given = ownOrigins?.has(url.origin) ? published : {};
        const request = {
          to: toEndpoint(url),
          headers: { ...given, 'user-agent': userAgent, accept, 'accept-encoding': 'identity' },
        };
        try {
          return await overNew(request.to, (over) => exchange(over, request, (status) => status === OK, deadline));
        } catch (error) {
          throw toIntrospectionError(error);
        }
      }),
    calls: () => calls,
    async close() {
      await new Promise<void>((resolve) => {
        whenIdle = () => {
          closed = true;
          resolve();
        };
        if (underWay === 0) whenIdle();
      });
      await own?.close();
    },
  };
}

/**
 * Traces without the reply and without the error's own text, which subscribers must not see. To them a reply that cannot be
 * read, or not in time, is an error.
 */
async function trace(
  call: EndpointCall,
  asking: () => Promise<EndpointResponse>,
  deadline: Deadline,
): Promise<EndpointResponse> {
  let outcome: () => EndpointResponse = () => {
    throw new Error('not asked');
  };
  await endpointCalls
    .tracePromise(async () => {
      let failure: unknown;
      try {
        const reply = await asking();
        call.status = reply.status;
        outcome = () => reply;
        if (typeof reply.body === 'string') return;
        failure = reply.body;
      } catch (error) {
        outcome = () => {
          throw error;
        };
        failure = error;
      }
      throw deadline.passed ? new IntrospectionError('timeout') : toIntrospectionError(failure);
    }, call)
    .catch(() => {});
  return outcome();
}
