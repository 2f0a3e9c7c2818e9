import type { Auth } from './core/claims.js';

declare global {
  namespace Express {
    /** Express's request, with the member that the middleware adds. */
    interface Request {
      /** Claims of the token, set by `tokenIntrospection()`; absent when it did not run, and for an anonymous request. */
      auth?: Auth;
    }
  }
}
