import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthError } from './errors.js';

/** Continues, or passes an error on. */
export type Next = (error?: unknown) => void;

/** Lets a callback be annotated with Express's own request and response. */
export type Bivariant<F extends (...args: never[]) => unknown> = {
  call(...args: Parameters<F>): ReturnType<F>;
}['call'];

/** Answers a rejected request. */
export type RejectionHandler = Bivariant<
  (error: AuthError, req: IncomingMessage, res: ServerResponse, next: Next) => void | Promise<void>
>;
