import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Next } from '../core/next.js';
import { forwardError } from '../middleware/reject.js';
import { respond } from '../middleware/respond.js';
import { whenSettled } from '../middleware/when-settled.js';

/** A handler for POST requests with signals, such as "this token was revoked". */
export type SignalHandler = (req: IncomingMessage, res: ServerResponse, next?: Next) => void;

export interface SignalResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | undefined;
}

const NO_STORE = { 'Cache-Control': 'no-store' };

/**
 * Sends the response that `handle` resolves to, with `Cache-Control: no-store`. A request with another method than POST gets a 405. An
 * error of `handle` goes to `next`.
 */
export function handlePost(
  handle: (req: IncomingMessage) => Promise<SignalResponse>,
  ...[req, res, next]: Parameters<SignalHandler>
): void {
  whenSettled(
    req.method === 'POST' ? handle(req) : Promise.resolve(NOT_POST),
    ({ status, headers, body }) => respond(req, res, status, { ...NO_STORE, ...headers }, body),
    () => {},
    (error) => forwardError(error, { req, res, next }),
  );
}

const NOT_POST: SignalResponse = { status: 405, headers: { Allow: 'POST' }, body: { error: 'invalid_request' } };
