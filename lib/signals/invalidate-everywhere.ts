import type { Invalidation } from '../cache/invalidation.js';
import { AuthError } from '../core/errors.js';
import { optionError } from '../core/option-error.js';
import type { TokenIntrospection } from '../middleware/types.js';
import { SignalError } from './signal-error.js';

/** A middleware whose cached responses can be invalidated. */
export type InvalidatedMiddleware = Pick<TokenIntrospection, 'invalidate'>;

/**
 * Returns a function that invalidates the targets at all middlewares. Each call starts new invalidations, even if invalidations of the same
 * targets are pending, because responses may have been cached since those began. The promise resolves when the invalidations are in the
 * stores of all middlewares. It rejects with a SignalError `not_invalidated` if an invalidation failed.
 *
 * @throws TypeError for a value that is not a middleware
 */
export function parseMiddlewares(
  authenticate: InvalidatedMiddleware | readonly InvalidatedMiddleware[],
): (targets: readonly Invalidation[]) => Promise<void> {
  const middlewares = [authenticate].flat();
  if (middlewares.length === 0 || !middlewares.every((middleware) => typeof middleware?.invalidate === 'function')) {
    throw optionError('authenticate', authenticate, 'write what tokenIntrospection() returned');
  }
  return async (targets) => {
    const all = targets.flatMap((target) => middlewares.map((middleware) => invalidate(middleware, target)));
    await Promise.all(all);
  };
}

async function invalidate(middleware: InvalidatedMiddleware, target: Invalidation): Promise<void> {
  try {
    await middleware.invalidate(target);
  } catch (error) {
    // A text that cannot be a token is cached nowhere.
    if (error instanceof AuthError) return;
    throw new SignalError('not_invalidated');
  }
}
