import type { Auth } from './core/claims.js';

declare global {
  namespace Express {
    /** The request type of Express, with the member that `tokenIntrospection()` adds. */
    interface Request {
      /**
       * Claims of the token, set by `tokenIntrospection()`. Absent for an anonymous request, and for a request that this middleware has not
       * handled.
       */
      auth?: Auth;
    }
  }
}
