import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthError } from './errors.js';

/** Continues with the next handler; or, if called with an error, passes the error to the error handlers. */
export type Next = (error?: unknown) => void;

/** A function type whose parameters may be annotated with subtypes, such as Express's own request and response. */
export type Bivariant<F extends (...args: never[]) => unknown> = {
  call(...args: Parameters<F>): ReturnType<F>;
}['call'];

/**
 * A function that the library calls for a rejected request, instead of sending a response. The function must send the response itself, or
 * call `next`.
 */
export type RejectionHandler = Bivariant<
  (error: AuthError, req: IncomingMessage, res: ServerResponse, next: Next) => void | Promise<void>
>;
