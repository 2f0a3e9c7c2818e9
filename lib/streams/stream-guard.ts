import { rejectMountedFactory } from '../core/option-error.js';
import { accept, type Guard, nameGuard, requireSession } from '../middleware/guard.js';
import { forwardError } from '../middleware/reject.js';
import { endResponseWithToken } from './end-with-token.js';
import { parseStreamOptions, type StreamOptions } from './options.js';

const NAME = 'streamGuard';

/**
 * Creates a guard that ends each response of a route when the token of its request ends, as `endWithToken()` does. Mount it after
 * `tokenIntrospection()` and the guards of the route. Responses that end before their token are not changed.
 *
 * @example
 * app.use('/exports', authenticate, requireScope('exports:read'), streamGuard());
 *
 * @throws TypeError for a wrong option
 */
export function streamGuard(options: StreamOptions = {}): Guard {
  rejectMountedFactory(NAME, options, 'streamGuard()');
  const parsed = parseStreamOptions(options);
  return nameGuard(NAME, function guardMiddleware(req, res, next) {
    const context = { req, res, next, by: NAME };
    const session = requireSession(context, []);
    if (session === undefined) return;
    let isValid: boolean;
    try {
      isValid = endResponseWithToken(session, res, parsed, NAME);
    } catch (error) {
      forwardError(error, context);
      return;
    }
    if (isValid) accept(context, session);
  });
}
