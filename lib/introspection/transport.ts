import type { ClientAuth } from '../core/client-auth.js';
import { IntrospectionError } from '../core/errors.js';
import { type Deadline, withDeadline } from '../core/timeout.js';
import { type EndpointCall, endpointCalls, isTraced } from '../diagnostics/channels.js';
import { appConnections, createConnections } from './connections.js';
import {
  type Dispatcher,
  type EndpointResponse,
  type HttpRequest,
  sendRequest,
  toEndpoint,
  toIntrospectionError,
  withoutQuery,
} from './http.js';
import { USER_AGENT } from './user-agent.js';

export interface TransportSettings {
  readonly timeoutMs: number;
  readonly dispatcher: Dispatcher | undefined;
  readonly connect: ClientAuth['connect'];
  /** Whether the body of an introspection response with this status is read. */
  readonly readsBody: (status: number) => boolean;
  /** The option `headers`, names in lower case. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Origins that the app wrote itself. Metadata and keys of other origins are requested without `headers`. Default none. */
  readonly ownOrigins?: ReadonlySet<string>;
}

/** Members of the tracing events of one call that the caller knows. */
export type CallLabels = Pick<EndpointCall, 'tokenDigest' | 'background'>;

export interface PostOptions extends CallLabels {
  readonly attempt: EndpointCall['attempt'];
  /** Whether to use a new connection. Pooled ones often die together. A dispatcher of the app decides by itself. */
  readonly newConnection: boolean;
}

/** Sends single requests to the authorization server. It never retries. */
export interface Transport {
  /**
   * Runs `work` within one deadline. `close` waits for it.
   *
   * @param spentMs time that has already passed, 0 by default
   * @throws IntrospectionError `timeout`, or `closed` after `close` has ended
   */
  within<T>(work: (deadline: Deadline) => Promise<T>, spentMs?: number): Promise<T>;
  /** POSTs one introspection request. @throws IntrospectionError when no response came */
  post(request: HttpRequest, options: PostOptions, deadline: Deadline): Promise<EndpointResponse>;
  /** GETs a public document of the authorization server, over its own connection and within its own deadline. */
  get(url: URL, accept: string): Promise<EndpointResponse>;
  /** Number of the TLS material that a request sent now may use. */
  tlsGeneration(): number;
  /** Whether a retry would present newer TLS material than a request of this generation. */
  renewTls(generation: number): Promise<boolean>;
  /** How many introspection requests were sent, retries included. */
  calls(): number;
  /** Waits for all work that has begun, then closes the connections. */
  close(): Promise<void>;
}

const OK = 200;

/** The option `headers` is written for POST requests. These would be wrong in a GET. */
const NOT_FOR_GET = /^(?:accept$|content-)/;

export function createTransport(settings: TransportSettings): Transport {
  const { timeoutMs, dispatcher, connect, readsBody, headers = {}, ownOrigins } = settings;
  const connections = dispatcher === undefined ? createConnections(timeoutMs, connect) : appConnections(dispatcher);
  const headersForGet = Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_FOR_GET.test(name)));

  let calls = 0;
  let running = 0;
  let whenIdle: () => void = () => {};
  let closed = false;

  function within<T>(work: (deadline: Deadline) => Promise<T>, spentMs = 0): Promise<T> {
    if (closed) return Promise.reject(new IntrospectionError('closed'));
    running++;
    return withDeadline(Math.max(1, timeoutMs - spentMs), work, () => {
      running--;
      if (running === 0) whenIdle();
    });
  }

  /** @throws IntrospectionError */
  async function send(
    request: HttpRequest | Omit<HttpRequest, 'body'>,
    wantsBody: (status: number) => boolean,
    newConnection: boolean,
    deadline: Deadline,
  ): Promise<EndpointResponse> {
    const { origin } = request.endpoint;
    const sendOver = (via: Dispatcher) => sendRequest(via, request, wantsBody, deadline);
    try {
      return await (newConnection ? connections.withNew(origin, sendOver) : sendOver(connections.to(origin)));
    } catch (error) {
      throw toIntrospectionError(error);
    }
  }

  return {
    within,
    async post(request, { newConnection, ...labels }, deadline) {
      if (!deadline.passed) calls++;
      const sendIt = () => send(request, readsBody, newConnection, deadline);
      return isTraced() ? trace({ endpoint: withoutQuery(request.endpoint), ...labels }, sendIt, deadline) : sendIt();
    },
    get: (url, accept) =>
      within((deadline) => {
        const userAgent = headers['user-agent'] ?? USER_AGENT;
        const extraHeaders = ownOrigins?.has(url.origin) ? headersForGet : {};
        const request = {
          endpoint: toEndpoint(url),
          headers: { ...extraHeaders, 'user-agent': userAgent, accept, 'accept-encoding': 'identity' },
        };
        return send(request, (status) => status === OK, true, deadline);
      }),
    tlsGeneration: connections.generation,
    renewTls: connections.renew,
    calls: () => calls,
    async close() {
      await new Promise<void>((resolve) => {
        // In the same tick as the end of the last work, so that nothing can begin in between.
        whenIdle = () => {
          closed = true;
          resolve();
        };
        if (running === 0) whenIdle();
      });
      await connections.close();
    },
  };
}

/**
 * Publishes the events of `TracingChannel.tracePromise`, which would show subscribers the response. To them, a response that
 * cannot be read, or not in time, is an error.
 */
function trace(
  call: EndpointCall,
  send: () => Promise<EndpointResponse>,
  deadline: Deadline,
): Promise<EndpointResponse> {
  const { start, end, asyncStart, asyncEnd, error: failed } = endpointCalls;

  function publishFailure(error: unknown): void {
    const visible = deadline.passed ? new IntrospectionError('timeout') : error;
    failed.publish(Object.assign(call, { error: visible }));
  }

  async function sendAndPublish(): Promise<EndpointResponse> {
    try {
      const response = await send();
      call.status = response.status;
      if (typeof response.body !== 'string') publishFailure(response.body);
      return response;
    } catch (error) {
      publishFailure(error);
      throw error;
    } finally {
      asyncStart.publish(call);
      asyncEnd.publish(call);
    }
  }

  return start.runStores(call, () => {
    const sending = sendAndPublish();
    end.publish(call);
    return sending;
  });
}
