import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, context } from '@opentelemetry/api';

/**
 * A store that is bound to a diagnostics channel. When the channel runs code with an OpenTelemetry context, the store makes this context
 * the active context while the code runs. It works with any context manager of OpenTelemetry, because the store itself keeps nothing.
 *
 * It does not work from Node 26 on. There, a channel enters and leaves its stores instead of calling `run`, and OpenTelemetry has no
 * function to enter or leave a context.
 */
export class ActiveContext extends AsyncLocalStorage<Context> {
  override run<R, Args extends unknown[]>(active: Context, work: (...args: Args) => R, ...args: Args): R {
    return context.with(active, () => work(...args));
  }
}
