import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { NextFunction, Request, Response } from 'express';
import type { CacheEvent, Decision } from 'express-token-introspection';
import { maskedHeader } from './masks.mjs';
import { type AnswerLog, createAnswerLog, type Remembered } from './memory.mjs';
import { type Headers, type WireCall, watchWire } from './wire.mjs';

/** One request to the API: what came, who decided what about it, whom it made the API ask, and what was answered. */
export interface Exchange {
  readonly id: string;
  readonly startedAt: number;
  readonly line: string;
  readonly headers: Headers;
  readonly decisions: readonly Decision[];
  /** How questions about its token were answered, in order. */
  readonly lookups: readonly CacheEvent['outcome'][];
  /** Calls of the endpoint that this request made. */
  readonly calls: readonly WireCall[];
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
type Draft = { -readonly [Name in keyof Exchange]: Exchange[Name] } & {
  readonly decisions: Decision[];
  readonly lookups: CacheEvent['outcome'][];
  readonly calls: WireCall[];
  tokenDigest?: string;
  /** Its own end, and those of the calls it made or waited for. */
  readonly ends: Promise<void>[];
};

const MAX_EXCHANGES = 200;
const MAX_SUMMARIES = 6;

const AFTER_OUTAGE: Remembered = {
  what: 'nothing',
  why: 'Failures are never kept: the next request asks anew, unless the circuit breaker is open.',
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
    exchange?.ends.push(end);
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
    const known = outcome === 'hit' ? answers.about(tokenDigest)?.askedAt : undefined;
    if (exchange !== undefined && known !== undefined) exchange.usedOf = known;
    const joined = underWay.get(tokenDigest);
    if (exchange === undefined || outcome !== 'coalesced' || joined === undefined) return;
    exchange.joined = joined.call;
    exchange.ends.push(joined.end);
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
      exchange.ends.push(ended);
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
      await Promise.all(found.ends);
      const { tokenDigest, ends: _, ...exchange } = found;
      const remembered = isOutage(found) ? AFTER_OUTAGE : tokenDigest && answers.about(tokenDigest);
      return { ...exchange, ...(remembered && { remembered }) };
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

function summaryOf({ id, startedAt, line, status, decisions, calls }: Draft): Summary {
  const reason = decisions.at(-1)?.reason;
  return { id, startedAt, line, status, calls: calls.length, ...(reason !== undefined && { reason }) };
}
