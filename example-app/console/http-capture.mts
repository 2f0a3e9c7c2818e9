import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel } from 'node:diagnostics_channel';
import type { EndpointCall, IntrospectionError } from 'express-token-introspection';
import { redactForm, redactHeader } from './redact.mjs';

export type Headers = readonly (readonly [name: string, value: string])[];

/** One HTTP request to the introspection endpoint and its response, without secrets. */
export interface CapturedCall {
  /** 1, or 2 for a retry. */
  readonly attempt: number;
  /** Whether it is an early refresh, which no API request waits for. */
  readonly background: boolean;
  readonly tokenDigest: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  request?: { readonly line: string; readonly headers: Headers; readonly body: string };
  response?: { readonly status: number; readonly reason: string; readonly headers: Headers; body: string };
  /** Code and detail of the `IntrospectionError`, if there is no usable response. */
  error?: { readonly code: string; readonly detail?: string };
  /** Duration in milliseconds. Set when the call has ended. */
  ms?: number;
}

/** The part of undici's `Request` that is read here. */
interface UndiciRequest {
  readonly body: unknown;
}

type TracedCall = EndpointCall & { readonly error?: IntrospectionError };

/**
 * Captures each introspection request in this process, in the async context of the API request that caused it.
 *
 * The library's tracing channel tells which HTTP requests are introspection requests. Undici's channels give their messages.
 */
export function captureEndpointCalls(onCall: (call: CapturedCall, ended: Promise<void>) => void): void {
  const currentCall = new AsyncLocalStorage<CapturedCall>();
  const callsByContext = new WeakMap<TracedCall, { readonly call: CapturedCall; readonly end: () => void }>();
  const callsByRequest = new WeakMap<UndiciRequest, CapturedCall>();
  const endpoint = tracingChannel<unknown, TracedCall>('express-token-introspection:endpoint');

  endpoint.start.bindStore(currentCall, (context) => {
    const { attempt, background, tokenDigest } = context;
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const call: CapturedCall = { attempt, background, tokenDigest, startedAt: Date.now() };
    callsByContext.set(context, { call, end });
    onCall(call, ended);
    return call;
  });
  endpoint.asyncEnd.subscribe((context) => {
    const captured = callsByContext.get(context as TracedCall);
    if (captured === undefined) return;
    const { error } = context as TracedCall;
    if (error !== undefined) {
      captured.call.error = { code: error.code, ...(error.detail !== undefined && { detail: error.detail }) };
    }
    captured.call.ms = Date.now() - captured.call.startedAt;
    captured.end();
  });

  subscribeTo<{ request: UndiciRequest }>('undici:request:create', ({ request }) => {
    const call = currentCall.getStore();
    if (call !== undefined) callsByRequest.set(request, call);
  });
  subscribeTo<{ request: UndiciRequest; headers: string }>('undici:client:sendHeaders', ({ request, headers }) => {
    const call = callsByRequest.get(request);
    if (call === undefined) return;
    const [line = '', ...lines] = headers.trimEnd().split('\r\n');
    const body = String(request.body ?? '');
    // Undici adds this header after it publishes the others.
    const contentLength = ['content-length', String(Buffer.byteLength(body))] as const;
    call.request = { line, headers: [...lines.map(parseHeader), contentLength], body: redactForm(body) };
  });
  subscribeTo<{ request: UndiciRequest; response: { statusCode: number; statusText: string; headers: Buffer[] } }>(
    'undici:request:headers',
    ({ request, response }) => {
      const call = callsByRequest.get(request);
      if (call === undefined) return;
      const texts = response.headers.map(String);
      const headers = texts.flatMap((name, i) => (i % 2 === 0 ? [[name, texts[i + 1] ?? ''] as const] : []));
      call.response = { status: response.statusCode, reason: response.statusText, headers, body: '' };
    },
  );
  subscribeTo<{ request: UndiciRequest; chunk: Buffer }>('undici:request:bodyChunkReceived', ({ request, chunk }) => {
    const response = callsByRequest.get(request)?.response;
    if (response !== undefined) response.body += chunk.toString();
  });
}

function subscribeTo<Message>(channel: string, listener: (message: Message) => void): void {
  subscribe(channel, (message) => listener(message as Message));
}

function parseHeader(line: string): [string, string] {
  const [name = '', ...value] = line.split(': ');
  return [name, redactHeader(name, value.join(': '))];
}
