import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, context } from '@opentelemetry/api';

/**
 * A store that makes what a channel binds to it OpenTelemetry's active context, whatever manages that. It holds nothing
 * itself. From version 26 on, Node enters and leaves the stores of a channel instead of running in them, for which
 * OpenTelemetry has no function: the context stays as it was then.
 */
export class ActiveContext extends AsyncLocalStorage<Context> {
  override run<R, Args extends unknown[]>(active: Context, work: (...args: Args) => R, ...args: Args): R {
    return context.with(active, () => work(...args));
  }
}
