import type { Auth } from './core/claims.js';

declare global {
  namespace Express {
    /** Express's own, with what the middleware adds. */
    interface Request {
      /** Set by `tokenIntrospection()`; absent where it did not run or let an anonymous request through. */
      auth?: Auth;
    }
  }
}
