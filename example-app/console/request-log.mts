import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { NextFunction, Request, Response } from 'express';
import type { CacheEvent, Decision } from 'express-token-introspection';
import { type Headers, type WireCall, watchWire } from './http-capture.mjs';
import { isLoad } from './load.mjs';
import { type AnswerLog, createAnswerLog, type Remembered } from './memory.mjs';
import { maskedHeader } from './redact.mjs';

/** One request to the API: what came, who decided what about it, whom it made the API ask, and what was answered. */
export interface Exchange {
  readonly id: string;
  readonly startedAt: number;
  readonly line: string;
  readonly headers: Headers;
  readonly decisions: readonly Decision[];
  /** How questions about its token were answered, in order. */
  readonly lookups: readonly CacheEvent['outcome'][];
  /** Introspection calls that this request caused. */
  readonly calls: readonly ExchangeCall[];
  /** A call of another request whose answer this one waited for. */
  readonly joined?: WireCall;
  readonly status: number;
  readonly ms: number;
  /** `req.auth` as the handler found it. */
  readonly auth?: unknown;
  /** When what it was answered from memory had been asked for, in milliseconds since the epoch. */
  readonly usedOf?: number;
  /** What is remembered of its token now. */
  readonly remembered?: Remembered;
}

/** An introspection call, and why it was made. */
export interface ExchangeCall extends WireCall {
  /**
   * `request`: this request waited for it. `refresh`: its cached response is refreshed in the background. `probe`: the circuit
   * breaker asks about a random token of its own, to learn whether the authorization server is up.
   */
  readonly purpose: 'request' | 'refresh' | 'probe';
}

/** One line about an exchange. */
export type Summary = Pick<Exchange, 'id' | 'startedAt' | 'line' | 'status'> & {
  readonly reason?: string;
  readonly calls: number;
};

export interface Exchanges {
  /** Mounted before the API's own routes: gives each request an `X-Request-Id`, under which it is found. */
  record(req: Request, res: Response, next: NextFunction): void;
  find(id: string): Promise<Exchange | undefined>;
  /** The latest ones, the latest first. */
  latest(): readonly Summary[];
  readonly answers: AnswerLog;
}

/** An exchange that may still be under way. */
type Draft = { -readonly [Name in keyof Omit<Exchange, 'calls'>]: Exchange[Name] } & {
  readonly decisions: Decision[];
  readonly lookups: CacheEvent['outcome'][];
  readonly calls: WireCall[];
  /** Digest of the client's token. */
  tokenDigest?: string;
  /** Its own end, and the ends of the calls it caused or waited for. */
  readonly ends: { readonly of?: WireCall; readonly end: Promise<void> }[];
};

const MAX_EXCHANGES = 200;
const MAX_SUMMARIES = 6;

const AFTER_OUTAGE: Remembered = {
  what: 'nothing',
  why: 'Failures are never cached. The next request asks again, unless the circuit breaker blocks the call.',
};

/** Publishers know nothing of requests: that they publish in a request's async context is what ties them to it. */
export function createExchanges(): Exchanges {
  const current = new AsyncLocalStorage<Draft>();
  const answers = createAnswerLog();
  const kept = new Map<string, Draft>();
  /** The latest call about each token that is under way. */
  const underWay = new Map<string, { readonly call: WireCall; readonly end: Promise<void> }>();

  watchWire((call, ended) => {
    const end = ended.then(() => {
      answers.note(call);
      if (underWay.get(call.tokenDigest)?.call === call) underWay.delete(call.tokenDigest);
    });
    underWay.set(call.tokenDigest, { call, end });
    const exchange = current.getStore();
    exchange?.calls.push(call);
    exchange?.ends.push({ of: call, end });
  });
  subscribe('express-token-introspection:decision', (message) => {
    const decision = message as Decision;
    const exchange = current.getStore();
    exchange?.decisions.push(decision);
    if (exchange !== undefined && decision.tokenDigest !== undefined) exchange.tokenDigest = decision.tokenDigest;
  });
  subscribe('express-token-introspection:cache', (message) => {
    const { outcome, tokenDigest } = message as CacheEvent;
    const exchange = current.getStore();
    exchange?.lookups.push(outcome);
    if (exchange !== undefined) exchange.tokenDigest = tokenDigest;
    const known = outcome === 'hit' ? answers.about(tokenDigest)?.askedAt : undefined;
    if (exchange !== undefined && known !== undefined) exchange.usedOf = known;
    const joined = underWay.get(tokenDigest);
    if (exchange === undefined || outcome !== 'coalesced' || joined === undefined) return;
    exchange.joined = joined.call;
    exchange.ends.push({ end: joined.end });
  });

  function draft(req: Request): Draft {
    const headers: [string, string][] = [];
    for (let i = 0; i < req.rawHeaders.length; i += 2) {
      const [name = '', value = ''] = req.rawHeaders.slice(i, i + 2);
      headers.push([name, maskedHeader(name, value)]);
    }
    const line = `${req.method} ${req.originalUrl.replace(/\?.*$/, '')} HTTP/${req.httpVersion}`;
    const nothing = { decisions: [], lookups: [], calls: [], ends: [] };
    return { id: randomUUID(), startedAt: Date.now(), line, headers, ...nothing, status: 0, ms: 0 };
  }

  return {
    answers,
    record(req, res, next) {
      if (isLoad(req)) {
        next();
        return;
      }
      const exchange = draft(req);
      res.setHeader('X-Request-Id', exchange.id);
      const ended = new Promise<void>((resolve) => {
        res.once('close', () => {
          exchange.status = res.statusCode;
          exchange.ms = Date.now() - exchange.startedAt;
          const { auth } = req as { auth?: unknown };
          if (auth !== undefined) exchange.auth = auth;
          resolve();
        });
      });
      exchange.ends.push({ end: ended });
      kept.set(exchange.id, exchange);
      for (const oldest of kept.keys()) {
        if (kept.size <= MAX_EXCHANGES) break;
        kept.delete(oldest);
      }
      current.run(exchange, next);
    },
    async find(id) {
      const found = kept.get(id);
      if (found === undefined) return undefined;
      const { tokenDigest } = found;
      // A probe may outlive the request that set it off.
      const awaited = found.ends.filter(({ of }) => of === undefined || purposeOf(of, tokenDigest) !== 'probe');
      await Promise.all(awaited.map(({ end }) => end));
      const { tokenDigest: _digest, ends: _ends, calls, ...exchange } = found;
      const withPurpose = calls.map((call) => ({ ...call, purpose: purposeOf(call, tokenDigest) }));
      const remembered = isOutage(found) ? AFTER_OUTAGE : tokenDigest && answers.about(tokenDigest);
      return { ...exchange, calls: withPurpose, ...(remembered && { remembered }) };
    },
    latest() {
      const ended = [...kept.values()].reverse().filter(({ status }) => status !== 0);
      return ended.slice(0, MAX_SUMMARIES).map(summaryOf);
    },
  };
}

function isOutage({ decisions }: Draft): boolean {
  return decisions.at(-1)?.outcome === 'outage';
}

/** The breaker's probe is made in the context of the request that set it off, but about another token. */
function purposeOf(call: WireCall, tokenDigest: string | undefined): ExchangeCall['purpose'] {
  if (call.tokenDigest !== tokenDigest) return 'probe';
  return call.background ? 'refresh' : 'request';
}

function summaryOf({ id, startedAt, line, status, decisions, calls, tokenDigest }: Draft): Summary {
  const reason = decisions.at(-1)?.reason;
  const own = calls.filter((call) => purposeOf(call, tokenDigest) === 'request').length;
  return { id, startedAt, line, status, calls: own, ...(reason !== undefined && { reason }) };
}
