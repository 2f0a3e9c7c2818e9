import type { ServerResponse } from 'node:http';

/** The required members of a response, and members that are used if they exist. Frameworks pass other responses than those of Node. */
export type ResponseLike = Pick<ServerResponse, 'getHeader' | 'setHeader' | 'end' | 'statusCode'> &
  Partial<Pick<ServerResponse, 'headersSent' | 'writableEnded' | 'removeHeader' | 'destroy'>>;
