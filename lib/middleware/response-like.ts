import type { ServerResponse } from 'node:http';

/**
 * A response: first the members that we need, then those that we use if they exist. Some frameworks pass a response that is not Node's own.
 */
export type ResponseLike = Pick<ServerResponse, 'getHeader' | 'setHeader' | 'end' | 'statusCode'> &
  Partial<Pick<ServerResponse, 'headersSent' | 'writableEnded' | 'removeHeader' | 'destroy'>>;
