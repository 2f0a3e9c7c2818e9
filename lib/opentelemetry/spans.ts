import { tracingChannel } from 'node:diagnostics_channel';
import { type Context, context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { IntrospectionError } from '../core/errors.js';
import { CHANNELS, type EndpointCall } from '../diagnostics/channels.js';
import { ActiveContext } from './active-context.js';
import { attributesOf, type EndedCall, outcomeOf } from './calls.js';

const SPAN = 'token introspection';

/**
 * Creates a span for each attempt to send an introspection request. The span is active while the request is sent, so spans of HTTP clients
 * become its children.
 *
 * @returns a function that stops the tracing
 */
export function traceCalls(tracer: Tracer): () => void {
  const { start, asyncEnd } = tracingChannel<Context, EndpointCall>(CHANNELS.endpoint);
  const spans = new WeakMap<EndpointCall, Span>();
  const store = new ActiveContext();

  function begin(call: EndpointCall): Context {
    const span = tracer.startSpan(SPAN, {
      kind: SpanKind.CLIENT,
      attributes: {
        ...attributesOf(call),
        'url.full': call.endpoint,
        ...(call.attempt > 1 && { 'http.request.resend_count': call.attempt - 1 }),
      },
    });
    spans.set(call, span);
    return trace.setSpan(context.active(), span);
  }

  function end(message: unknown): void {
    const call = message as EndedCall;
    const outcome = outcomeOf(call);
    const span = spans.get(call);
    span?.setAttributes(outcome);
    if (outcome['error.type'] !== undefined) span?.setStatus({ code: SpanStatusCode.ERROR, ...messageOf(call.error) });
    span?.end();
  }

  start.bindStore(store, begin);
  asyncEnd.subscribe(end);
  return () => {
    start.unbindStore(store);
    asyncEnd.unsubscribe(end);
  };
}

/**
 * Returns an object with the detail of an `IntrospectionError` as message, such as `ECONNREFUSED`. Returns an empty object for any other
 * error, because only this detail is safe to export.
 */
function messageOf(error: unknown): { message?: string } {
  return error instanceof IntrospectionError && error.detail !== undefined ? { message: error.detail } : {};
}
