import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { NextFunction, Request, Response } from 'express';
import type { CacheEvent, Decision } from 'express-token-introspection';
import type { SignalEvent } from 'express-token-introspection/signals';
import { type CachedResponse, type CachedResponses, createCachedResponses } from './cached-responses.mjs';
import { type CapturedCall, captureEndpointCalls, type Headers } from './http-capture.mjs';
import { isGeneratedLoad } from './load.mjs';
import { redactHeader } from './redact.mjs';

/** One request to the API: its message, the decisions about it, the introspection requests it caused, and its response. */
export interface LogEntry {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly requestLine: string;
  readonly headers: Headers;
  readonly decisions: readonly Decision[];
  /** Cache outcomes of the lookups of its token, in order. */
  readonly lookups: readonly CacheEvent['outcome'][];
  /** Outcomes of the logout token that it brought. */
  readonly signals: readonly SignalEvent[];
  /** Introspection requests that it caused. */
  readonly calls: readonly LoggedCall[];
  /** The introspection request of another API request, if this one waited for its response. */
  readonly joined?: CapturedCall;
  readonly status: number;
  readonly ms: number;
  /** `req.auth` as the route handler sees it. */
  readonly auth?: unknown;
  /** Time of the introspection request whose cached response it used, in milliseconds since the epoch. */
  readonly usedResponseFrom?: number;
  /** What the API now has in its cache about the token. */
  readonly cached?: CachedResponse;
}

/** An introspection request and its purpose. */
export interface LoggedCall extends CapturedCall {
  /**
   * - `request`: the API request waited for it.
   * - `refresh`: it refreshes the cached response in the background.
   * - `probe`: the circuit breaker introspects a random token, to learn whether the authorization server is up.
   */
  readonly purpose: 'request' | 'refresh' | 'probe';
}

/** One line of the list of requests. */
export type LogSummary = Pick<LogEntry, 'id' | 'startedAt' | 'requestLine' | 'status'> & {
  readonly reason?: string;
  /** Number of introspection requests that it waited for. */
  readonly calls: number;
};

export interface RequestLog {
  /** Middleware for the API's routes. It sets `X-Request-Id`, the id to find the request by. */
  record(req: Request, res: Response, next: NextFunction): void;
  /** Waits until the request has ended. */
  find(id: string): Promise<LogEntry | undefined>;
  /** The latest 6 requests that have ended, newest first. */
  latest(): readonly LogSummary[];
  readonly cachedResponses: CachedResponses;
}

/** An entry of a request that may not have ended yet. */
type Draft = { -readonly [Name in keyof Omit<LogEntry, 'calls'>]: LogEntry[Name] } & {
  readonly decisions: Decision[];
  readonly lookups: CacheEvent['outcome'][];
  readonly signals: SignalEvent[];
  readonly calls: CapturedCall[];
  /** Digest of the client's token. */
  tokenDigest?: string;
  /** Ends of the request itself, and of the calls that it caused or waited for. */
  readonly ends: { readonly call?: CapturedCall; readonly end: Promise<void> }[];
};

const MAX_ENTRIES = 200;
const MAX_SUMMARIES = 6;

const NOT_CACHED_AFTER_OUTAGE: CachedResponse = {
  kind: 'none',
  explanation:
    'Failures are never cached. The next request causes a new introspection request, unless the circuit breaker blocks it.',
};

/** Events of the library name no request. They belong to the request in whose async context they are published. */
export function createRequestLog(): RequestLog {
  const current = new AsyncLocalStorage<Draft>();
  const cachedResponses = createCachedResponses();
  const entries = new Map<string, Draft>();
  /** The latest call about each token that has not ended. */
  const pendingCalls = new Map<string, { readonly call: CapturedCall; readonly end: Promise<void> }>();

  captureEndpointCalls((call, ended) => {
    const end = ended.then(() => {
      cachedResponses.add(call);
      if (pendingCalls.get(call.tokenDigest)?.call === call) pendingCalls.delete(call.tokenDigest);
    });
    pendingCalls.set(call.tokenDigest, { call, end });
    const entry = current.getStore();
    entry?.calls.push(call);
    entry?.ends.push({ call, end });
  });
  subscribe('express-token-introspection:decision', (message) => {
    const decision = message as Decision;
    const entry = current.getStore();
    entry?.decisions.push(decision);
    if (entry !== undefined && decision.tokenDigest !== undefined) entry.tokenDigest = decision.tokenDigest;
  });
  subscribe('express-token-introspection:cache', (message) => {
    const { outcome, tokenDigest } = message as CacheEvent;
    const entry = current.getStore();
    entry?.lookups.push(outcome);
    if (entry !== undefined) entry.tokenDigest = tokenDigest;
    const usedResponseFrom = outcome === 'hit' ? cachedResponses.find(tokenDigest)?.askedAt : undefined;
    if (entry !== undefined && usedResponseFrom !== undefined) entry.usedResponseFrom = usedResponseFrom;
    const joined = pendingCalls.get(tokenDigest);
    if (entry === undefined || outcome !== 'coalesced' || joined === undefined) return;
    entry.joined = joined.call;
    entry.ends.push({ end: joined.end });
  });

  subscribe('express-token-introspection:signal', (message) => {
    current.getStore()?.signals.push(message as SignalEvent);
  });

  function createDraft(req: Request): Draft {
    const headers: [string, string][] = [];
    for (let i = 0; i < req.rawHeaders.length; i += 2) {
      const [name = '', value = ''] = req.rawHeaders.slice(i, i + 2);
      headers.push([name, redactHeader(name, value)]);
    }
    const requestLine = `${req.method} ${req.originalUrl.replace(/\?.*$/, '')} HTTP/${req.httpVersion}`;
    const lists = { decisions: [], lookups: [], signals: [], calls: [], ends: [] };
    return { id: randomUUID(), startedAt: Date.now(), requestLine, headers, ...lists, status: 0, ms: 0 };
  }

  return {
    cachedResponses,
    record(req, res, next) {
      if (isGeneratedLoad(req)) {
        next();
        return;
      }
      const entry = createDraft(req);
      res.setHeader('X-Request-Id', entry.id);
      const ended = new Promise<void>((resolve) => {
        res.once('close', () => {
          entry.status = res.statusCode;
          entry.ms = Date.now() - entry.startedAt;
          const { auth } = req as { auth?: unknown };
          if (auth !== undefined) entry.auth = auth;
          resolve();
        });
      });
      entry.ends.push({ end: ended });
      entries.set(entry.id, entry);
      for (const oldest of entries.keys()) {
        if (entries.size <= MAX_ENTRIES) break;
        entries.delete(oldest);
      }
      current.run(entry, next);
    },
    async find(id) {
      const found = entries.get(id);
      if (found === undefined) return undefined;
      const { tokenDigest } = found;
      // A probe can outlast the request that triggered it.
      const awaited = found.ends.filter(
        ({ call }) => call === undefined || purposeOfCall(call, tokenDigest) !== 'probe',
      );
      await Promise.all(awaited.map(({ end }) => end));
      const { tokenDigest: _digest, ends: _ends, calls, ...entry } = found;
      const withPurpose = calls.map((call) => ({ ...call, purpose: purposeOfCall(call, tokenDigest) }));
      const cached = isOutage(found) ? NOT_CACHED_AFTER_OUTAGE : tokenDigest && cachedResponses.find(tokenDigest);
      return { ...entry, calls: withPurpose, ...(cached && { cached }) };
    },
    latest() {
      const ended = [...entries.values()].reverse().filter(({ status }) => status !== 0);
      return ended.slice(0, MAX_SUMMARIES).map(summarize);
    },
  };
}

function isOutage({ decisions }: Draft): boolean {
  return decisions.at(-1)?.outcome === 'outage';
}

/** The circuit breaker sends its probe, which has another token, in the async context of the request that triggered it. */
function purposeOfCall(call: CapturedCall, tokenDigest: string | undefined): LoggedCall['purpose'] {
  if (call.tokenDigest !== tokenDigest) return 'probe';
  return call.background ? 'refresh' : 'request';
}

function summarize({ id, startedAt, requestLine, status, decisions, calls, tokenDigest }: Draft): LogSummary {
  const reason = decisions.at(-1)?.reason;
  const awaited = calls.filter((call) => purposeOfCall(call, tokenDigest) === 'request').length;
  return { id, startedAt, requestLine, status, calls: awaited, ...(reason !== undefined && { reason }) };
}
