import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, context } from '@opentelemetry/api';

/**
 * A diagnostics channel runs code with a context that is bound to this store. The store makes that context the active context of
 * OpenTelemetry, with any context manager. The store itself holds nothing.
 *
 * From Node 26 on, a channel enters and leaves its stores instead of calling `run`. OpenTelemetry has no function to enter or leave a
 * context, so the active context does not change there.
 */
export class ActiveContext extends AsyncLocalStorage<Context> {
  override run<R, Args extends unknown[]>(active: Context, work: (...args: Args) => R, ...args: Args): R {
    return context.with(active, () => work(...args));
  }
}
