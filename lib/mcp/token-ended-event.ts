import { ownMember } from '../core/own-members.js';

/** JSON-RPC error code by which the MCP SDK reports a closed connection. */
const CONNECTION_CLOSED = -32_000;

/**
 * Returns the last event of an MCP event stream whose token has ended: for each request in the body, a JSON-RPC error, so that the client
 * does not wait for the result. Pass this text to `endWithToken()` as `lastEvent`.
 *
 * @example
 * if (!endWithToken(req, res, { lastEvent: tokenEndedEvent(req.body) })) return;
 *
 * @param body the parsed body of the HTTP request: one JSON-RPC message, or a list
 * @returns `undefined` for a body without a request that expects a response
 */
export function tokenEndedEvent(body: unknown): string | undefined {
  const events = [body].flat().flatMap((message) => {
    const id = ownMember(message, 'id');
    const isRequest =
      typeof ownMember(message, 'method') === 'string' && (typeof id === 'string' || Number.isFinite(id));
    if (!isRequest) return [];
    const error = { code: CONNECTION_CLOSED, message: 'The access token has expired or was revoked' };
    return [`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, error })}\n\n`];
  });
  return events.length === 0 ? undefined : events.join('');
}
