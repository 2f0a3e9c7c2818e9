import type { ClientAuth } from '../core/client-auth.js';
import { IntrospectionError } from '../core/errors.js';
import { type Deadline, withDeadline } from '../core/timeout.js';
import { type EndpointCall, endpointCalls, isTraced } from '../diagnostics/channels.js';
import { appConnections, createConnections } from './connections.js';
import {
  type Dispatcher,
  type EndpointResponse,
  type GetRequest,
  type HttpRequest,
  toEndpoint,
  withoutQuery,
} from './http.js';
import { USER_AGENT } from './user-agent.js';

export interface TransportSettings {
  readonly timeoutMs: number;
  readonly dispatcher: Dispatcher | undefined;
  readonly connect: ClientAuth['connect'];
  /** Whether the body of an introspection response with this status must be read. Other bodies are dropped. */
  readonly readsBody: (status: number) => boolean;
  /** The value of the option `headers`, with names in lower case. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Origins of the URLs in the options. A GET to any other origin is sent without the option `headers`, except `user-agent`. Default: none.
   */
  readonly ownOrigins?: ReadonlySet<string>;
}

/** Members of a tracing event that the caller of {@link Transport.post} must provide. */
export type CallLabels = Pick<EndpointCall, 'tokenDigest' | 'background'>;

export interface Attempt {
  /** Number of the attempt, from 1. */
  readonly number: EndpointCall['attempt'];
  /**
   * Whether to use a new connection. After a lost connection this is useful, because pooled connections often die together. It has no
   * effect on a dispatcher of the app.
   */
  readonly newConnection: boolean;
}

/** Sends single requests to the authorization server. It never retries a request. */
export interface Transport {
  /**
   * Runs `work` with a new deadline. `close` waits until `work` ends or this deadline passes.
   *
   * @param spentMs milliseconds that are subtracted from the deadline, because they have already passed; 0 by default
   * @throws IntrospectionError `timeout`, `closed` after `close` has waited for all other work, or the failure of `work`
   */
  within<T>(work: (deadline: Deadline) => Promise<T>, spentMs?: number): Promise<T>;
  /**
   * Sends one introspection request with POST.
   *
   * @throws IntrospectionError when no response came
   */
  post(request: HttpRequest, attempt: Attempt, labels: CallLabels, deadline: Deadline): Promise<EndpointResponse>;
  /**
   * Fetches a public document of the authorization server with GET, over a new connection and with its own deadline. The body is read only
   * for status 200.
   *
   * @throws IntrospectionError when no response came
   */
  get(url: URL, accept: string): Promise<EndpointResponse>;
  /**
   * Number of the current generation of TLS material, which grows when the material has changed. Read this number before a request, and
   * pass it to {@link renewTls} after a 401.
   */
  tlsGeneration(): number;
  /**
   * Fetches the TLS material again after a 401. Resolves to `true` if a retry would present newer material than the request of this
   * `generation`, which got the 401.
   */
  renewTls(generation: number): Promise<boolean>;
  /** Number of attempts to send an introspection request since the transport was created. Retries and probes count too. */
  calls(): number;
  /** Waits until no work runs, and then closes the connections. Work that begins during the wait is waited for too. */
  close(): Promise<void>;
}

const OK = 200;

/** Names of headers that would be wrong in a GET. The option `headers` is meant for POST requests, and may contain such headers. */
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

  /**
   * Sends a request once, over a pooled or a new connection.
   *
   * @throws IntrospectionError if no response came
   */
  function send(
    request: HttpRequest | GetRequest,
    wantsBody: (status: number) => boolean,
    newConnection: boolean,
    deadline: Deadline,
  ): Promise<EndpointResponse> {
    const { origin } = request.endpoint;
    if (!newConnection) return connections.to(origin)(request, wantsBody, deadline);
    return connections.withNew(origin, (sendRequest) => sendRequest(request, wantsBody, deadline));
  }

  return {
    within,
    post(request, { number, newConnection }, labels, deadline) {
      if (!deadline.passed) calls++;
      if (!isTraced()) return send(request, readsBody, newConnection, deadline);
      const call = { endpoint: withoutQuery(request.endpoint), attempt: number, ...labels };
      return trace(call, () => send(request, readsBody, newConnection, deadline), deadline);
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
        // `closed` is set in the tick in which the last work ends, so that no work can begin in between.
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
 * Sends a request with `send`, and publishes the same events as `TracingChannel.tracePromise` would. But the events do not contain the
 * response, which subscribers must not see. A response that cannot be read, or does not arrive before the deadline, is published as an
 * error.
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
