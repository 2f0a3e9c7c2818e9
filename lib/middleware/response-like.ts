import type { ServerResponse } from 'node:http';

/**
 * A response, which may not be Node's own, because some frameworks pass another object. The first members are required. The others are used
 * only if they exist.
 */
export type ResponseLike = Pick<ServerResponse, 'getHeader' | 'setHeader' | 'end' | 'statusCode'> &
  Partial<Pick<ServerResponse, 'headersSent' | 'writableEnded' | 'removeHeader' | 'destroy'>>;
