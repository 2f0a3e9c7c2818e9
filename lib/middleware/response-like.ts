import type { ServerResponse } from 'node:http';

/** The members of a response that are needed, then those that are used if they exist. Not every response is one of Node. */
export type ResponseLike = Pick<ServerResponse, 'getHeader' | 'setHeader' | 'end' | 'statusCode'> &
  Partial<Pick<ServerResponse, 'headersSent' | 'writableEnded' | 'removeHeader' | 'destroy'>>;
