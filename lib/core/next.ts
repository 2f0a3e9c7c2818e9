import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthError } from './errors.js';

/** Continues with the next handler, or passes an error to the error handlers. */
export type Next = (error?: unknown) => void;

/** A function type whose parameters may be annotated with subtypes, such as Express's own request and response. */
export type Bivariant<F extends (...args: never[]) => unknown> = {
  call(...args: Parameters<F>): ReturnType<F>;
}['call'];

/** Sends the response to a rejected request. */
export type RejectionHandler = Bivariant<
  (error: AuthError, req: IncomingMessage, res: ServerResponse, next: Next) => void | Promise<void>
>;
