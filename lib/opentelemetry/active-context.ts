import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, context } from '@opentelemetry/api';

/**
 * A store that makes what a channel binds to it OpenTelemetry's active context, whatever manages that. It holds nothing
 * itself.
 */
export class ActiveContext extends AsyncLocalStorage<Context> {
  override run<R, Args extends unknown[]>(active: Context, work: (...args: Args) => R, ...args: Args): R {
    return context.with(active, () => work(...args));
  }

  // From version 26 on, Node enters the stores of a channel and leaves them again, for which OpenTelemetry has no function.

  override getStore(): Context | undefined {
    return managersOwn()?.getStore();
  }

  override enterWith(active: Context): void {
    managersOwn()?.enterWith(active);
  }
}

/** The storage of OpenTelemetry's context manager, looked up each time since it may be registered late. */
function managersOwn(): AsyncLocalStorage<Context> | undefined {
  const { _getContextManager } = context as unknown as { _getContextManager?: () => { _asyncLocalStorage?: unknown } };
  const storage = _getContextManager?.call(context)._asyncLocalStorage;
  return storage instanceof AsyncLocalStorage ? storage : undefined;
}
