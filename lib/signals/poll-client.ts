import { IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import { B64_TOKEN } from '../core/syntax.js';
import { withDeadline } from '../core/timeout.js';
import { appConnections, createConnections } from '../introspection/connections.js';
import { type Dispatcher, type EndpointResponse, textOf, toEndpoint } from '../introspection/http.js';
import { isJson, parseJson } from '../introspection/json.js';
import { requestedPauseOf } from '../introspection/retry-after.js';
import { USER_AGENT } from '../introspection/user-agent.js';
import { SignalError } from './signal-error.js';

/** The outcomes of events that were received, by `jti`. The transmitter has not been told these outcomes yet. */
export interface PollReport {
  readonly ack: readonly string[];
  readonly setErrs: Readonly<Record<string, { readonly err: string; readonly description: string }>>;
}

/** Sends poll requests ([RFC 8936](https://www.rfc-editor.org/rfc/rfc8936)), one at a time. */
export interface PollClient {
  /**
   * Sends the report to the transmitter, and waits for further events. Resolves to the signed tokens of these events, by `jti`. Resolves to
   * `undefined` if the transmitter has not responded after `waitMs` milliseconds.
   *
   * @throws SignalError `poll_failed`
   */
  poll(report: PollReport): Promise<ReadonlyMap<string, string> | undefined>;
  /**
   * Sends the report to the transmitter, and waits for no further events.
   *
   * @throws SignalError `poll_failed`
   */
  acknowledge(report: PollReport): Promise<void>;
  /** Ends the pending poll request, if there is one. The promise of that request rejects. */
  abort(): void;
  close(): Promise<void>;
}

export interface PollClientSettings {
  readonly endpoint: URL;
  readonly token: string | (() => string | Promise<string>) | undefined;
  readonly maxEvents: number;
  readonly dispatcher: Dispatcher | undefined;
  readonly now: () => number;
  /** How long to wait for the response to a poll request, in milliseconds. */
  readonly waitMs: number;
}

const OK = 200;
const CONNECT_TIMEOUT_MS = 5000;

const ACKNOWLEDGE_TIMEOUT_MS = 5000;

export function createPollClient({
  endpoint,
  token,
  maxEvents,
  dispatcher,
  now,
  waitMs,
}: PollClientSettings): PollClient {
  const connections =
    dispatcher === undefined ? createConnections(CONNECT_TIMEOUT_MS, undefined) : appConnections(dispatcher);
  const target = toEndpoint(endpoint);
  let abort: () => void = () => {};

  async function headers(): Promise<Record<string, string>> {
    const common = { accept: 'application/json', 'content-type': 'application/json', 'user-agent': USER_AGENT };
    if (token === undefined) return common;
    const current: unknown = typeof token === 'function' ? await token() : token;
    if (typeof current !== 'string' || !B64_TOKEN.test(current)) throw new SignalError('poll_failed');
    return { ...common, authorization: `Bearer ${current}` };
  }

  function send(body: object, timeoutMs: number): Promise<EndpointResponse> {
    return withDeadline(
      timeoutMs,
      async (deadline) => {
        let isAborted = false;
        abort = () => {
          isAborted = true;
          deadline.abort();
        };
        const request = { endpoint: target, headers: await headers(), body: JSON.stringify(body) };
        if (isAborted) throw new SignalError('poll_failed');
        return connections.to(target.origin)(request, (status) => status === OK, deadline);
      },
      () => {
        abort = () => {};
      },
    );
  }

  async function exchange(body: object, timeoutMs: number): Promise<EndpointResponse | undefined> {
    const response = await send(body, timeoutMs).catch((error: unknown) => {
      if (error instanceof IntrospectionError && error.code === 'timeout') return undefined;
      throw new SignalError('poll_failed');
    });
    if (response === undefined || response.status === OK) return response;
    throw new SignalError('poll_failed', requestedPauseOf(response, now()));
  }

  return {
    async poll(report) {
      const response = await exchange({ maxEvents, returnImmediately: false, ...membersOf(report) }, waitMs);
      return response && setsOf(response);
    },
    async acknowledge(report) {
      await exchange({ maxEvents: 0, returnImmediately: true, ...membersOf(report) }, ACKNOWLEDGE_TIMEOUT_MS);
    },
    abort: () => abort(),
    close: connections.close,
  };
}

/** @throws SignalError `poll_failed` for a response that RFC 8936 section 2.3 does not allow */
function setsOf(response: EndpointResponse): ReadonlyMap<string, string> {
  try {
    const sets = isJson(response) ? ownMember(parseJson(textOf(response)), 'sets') : undefined;
    if (typeof sets !== 'object' || sets === null || Array.isArray(sets)) throw new SignalError('poll_failed');
    // A value of another type is no token. The empty text stands for it, and is rejected like every text that is no token.
    return new Map(Object.entries(sets).map(([jti, jwt]) => [jti, typeof jwt === 'string' ? jwt : '']));
  } catch (error) {
    throw error instanceof IntrospectionError ? new SignalError('poll_failed') : error;
  }
}

/** Leaves out empty members, which RFC 8936 section 2.2 makes optional. */
function membersOf({ ack, setErrs }: PollReport): Partial<PollReport> {
  return { ...(ack.length > 0 && { ack }), ...(Object.keys(setErrs).length > 0 && { setErrs }) };
}
