import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel } from 'node:diagnostics_channel';
import type { EndpointCall, IntrospectionError } from 'express-token-introspection';
import { maskedBody, maskedHeader } from './redact.mjs';

export type Headers = readonly (readonly [name: string, value: string])[];

/** One attempt at the endpoint as it went over the wire, but for its secrets. */
export interface WireCall {
  readonly attempt: number;
  /** Nobody waited for it: an early refresh. */
  readonly background: boolean;
  readonly tokenDigest: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  request?: { readonly line: string; readonly headers: Headers; readonly body: string };
  reply?: { readonly status: number; readonly reason: string; readonly headers: Headers; body: string };
  /** Why there is no answer: an `IntrospectionError`'s code, and its detail. */
  error?: { readonly code: string; readonly detail?: string };
  /** Set once it has ended. */
  ms?: number;
}

/** The part of undici's `Request` that is looked at. */
interface UndiciRequest {
  readonly body: unknown;
}

type Traced = EndpointCall & { readonly error?: IntrospectionError };

/**
 * Tells of each call of an introspection endpoint in this process, in the async context of the request that caused it. The library's
 * tracing channel says that it is one, undici's channels what is written to the socket and read from it.
 */
export function watchWire(onCall: (call: WireCall, ended: Promise<void>) => void): void {
  const attempts = new AsyncLocalStorage<WireCall>();
  const byContext = new WeakMap<Traced, { readonly call: WireCall; readonly end: () => void }>();
  const byRequest = new WeakMap<UndiciRequest, WireCall>();
  const endpoint = tracingChannel<unknown, Traced>('express-token-introspection:endpoint');

  endpoint.start.bindStore(attempts, (context) => {
    const { attempt, background, tokenDigest } = context;
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const call: WireCall = { attempt, background, tokenDigest, startedAt: Date.now() };
    byContext.set(context, { call, end });
    onCall(call, ended);
    return call;
  });
  endpoint.asyncEnd.subscribe((context) => {
    const known = byContext.get(context as Traced);
    if (known === undefined) return;
    const { error } = context as Traced;
    if (error !== undefined) {
      known.call.error = { code: error.code, ...(error.detail !== undefined && { detail: error.detail }) };
    }
    known.call.ms = Date.now() - known.call.startedAt;
    known.end();
  });

  on<{ request: UndiciRequest }>('undici:request:create', ({ request }) => {
    const call = attempts.getStore();
    if (call !== undefined) byRequest.set(request, call);
  });
  on<{ request: UndiciRequest; headers: string }>('undici:client:sendHeaders', ({ request, headers }) => {
    const call = byRequest.get(request);
    if (call === undefined) return;
    const [line = '', ...lines] = headers.trimEnd().split('\r\n');
    const body = String(request.body ?? '');
    // The one line that undici adds behind those it tells of.
    const length = ['content-length', String(Buffer.byteLength(body))] as const;
    call.request = { line, headers: [...lines.map(parseLine), length], body: maskedBody(body) };
  });
  on<{ request: UndiciRequest; response: { statusCode: number; statusText: string; headers: Buffer[] } }>(
    'undici:request:headers',
    ({ request, response }) => {
      const call = byRequest.get(request);
      if (call === undefined) return;
      const texts = response.headers.map(String);
      const headers = texts.flatMap((name, i) => (i % 2 === 0 ? [[name, texts[i + 1] ?? ''] as const] : []));
      call.reply = { status: response.statusCode, reason: response.statusText, headers, body: '' };
    },
  );
  on<{ request: UndiciRequest; chunk: Buffer }>('undici:request:bodyChunkReceived', ({ request, chunk }) => {
    const reply = byRequest.get(request)?.reply;
    if (reply !== undefined) reply.body += chunk.toString();
  });
}

function on<Message>(channel: string, listener: (message: Message) => void): void {
  subscribe(channel, (message) => listener(message as Message));
}

function parseLine(line: string): [string, string] {
  const [name = '', ...value] = line.split(': ');
  return [name, maskedHeader(name, value.join(': '))];
}
