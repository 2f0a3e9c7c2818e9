import { isDeepStrictEqual } from 'node:util';
import { IntrospectionError } from '../errors.js';
import type { ClientAuth } from '../types.js';
import { createConnections } from './connections.js';
import { type Deadline, withDeadline } from './deadline.js';
import {
  type Address,
  type Attempt,
  addressOf,
  type Dispatcher,
  exchange,
  isReset,
  outage,
  type Reply,
} from './http.js';

export interface TransportSettings {
  readonly timeoutMs: number;
  readonly dispatcher: Dispatcher | undefined;
  readonly connect: ClientAuth['connect'];
}

/** What replies mean, by their status. */
export interface ReplyRules {
  /** Whether the body is wanted. */
  reads(status: number): boolean;
  /** Whether our credentials were refused. */
  refuses(status: number): boolean;
}

export interface Transport {
  /**
   * Runs what asks within one deadline; closing waits for it.
   *
   * @throws IntrospectionError `timeout`, or `closed` once closing has ended
   */
  within<T>(work: (deadline: Deadline) => Promise<T>): Promise<T>;
  /**
   * POSTs what `prepare` makes. There is at most one retry, for which `prepare` is called again, so that assertions can be
   * fresh: after a lost connection, or when the credentials were refused and others are at hand.
   */
  post(prepare: (refused: boolean) => Promise<Attempt>, rules: ReplyRules, deadline: Deadline): Promise<Reply>;
  /** GETs what the authorization server publishes, once, within a deadline of its own. */
  get(url: URL, accept: string): Promise<Reply>;
  /** How many times the endpoint was asked, retries included. */
  calls(): number;
  /** Ends once what is under way has ended. */
  close(): Promise<void>;
}

const OK = 200;

export function createTransport({ timeoutMs, dispatcher, connect }: TransportSettings): Transport {
  const own = dispatcher === undefined ? createConnections(timeoutMs, connect) : undefined;
  const via: (to: Address) => Dispatcher =
    own === undefined ? () => dispatcher as Dispatcher : ({ origin }) => own.to(origin);

  let calls = 0;
  let underWay = 0;
  let whenIdle: () => void = () => {};
  /** Nothing is under way any more, and nothing may begin. */
  let closed = false;

  function ask(via: Dispatcher, attempt: Attempt, rules: ReplyRules, deadline: Deadline): Promise<Reply> {
    if (!deadline.passed) calls++;
    return exchange(via, attempt, rules.reads, deadline);
  }

  function within<T>(work: (deadline: Deadline) => Promise<T>): Promise<T> {
    if (closed) return Promise.reject(new IntrospectionError('closed'));
    underWay++;
    return withDeadline(timeoutMs, work, () => {
      underWay--;
      if (underWay === 0) whenIdle();
    });
  }

  return {
    within,
    async post(prepare, rules, deadline) {
      const first = await prepare(false);
      const used = via(first.to);
      let refusal: Reply | undefined;
      try {
        const reply = await ask(used, first, rules, deadline);
        if (!rules.refuses(reply.status)) return reply;
        refusal = reply;
      } catch (error) {
        if (!isReset(error) || deadline.passed) throw outage(error);
      }
      const second = await prepare(refusal !== undefined);
      if (refusal !== undefined && isDeepStrictEqual(first, second) && !(await own?.renew(used))) return refusal;
      try {
        return await ask(via(second.to), second, rules, deadline);
      } catch (error) {
        throw outage(error);
      }
    },
    get: (url, accept) =>
      within(async (deadline) => {
        const request = { to: addressOf(url), headers: { accept, 'accept-encoding': 'identity' } };
        try {
          return await exchange(via(request.to), request, (status) => status === OK, deadline);
        } catch (error) {
          throw outage(error);
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
