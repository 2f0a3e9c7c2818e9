import { Readable } from 'node:stream';

/** A dispatcher that responds at once and in memory, so that no network is measured. `responseFor` gets the token. */
export function createDispatcher(responseFor) {
  return {
    async request({ body }) {
      const token = new URLSearchParams(body).get('token');
      const bytes = Buffer.from(JSON.stringify(responseFor(token)));
      return {
        statusCode: 200,
        headers: { 'content-type': 'application/json', 'content-length': String(bytes.length) },
        body: Readable.from([bytes], { objectMode: false }),
      };
    },
  };
}
