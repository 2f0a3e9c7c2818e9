import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClientHttp2Session, connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { endWithToken } from '../../lib/streams/index.js';
import { createAuthenticate } from '../support/api.js';
import { active, createEndpoint } from '../support/endpoint.js';

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function start(type: string) {
  const authenticate = createAuthenticate(await createEndpoint(active()));
  const server = createServer((request, response) => {
    // The compatibility API of Node has the members of HTTP/1 that the middleware needs, but not its types.
    const [req, res] = [request as unknown as IncomingMessage, response as unknown as ServerResponse];
    authenticate(req, res, () => {
      if (!endWithToken(req, res)) return;
      res.writeHead(200, { 'Content-Type': type });
      res.write('data: hello\n\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  closing.push(() => {
    client.destroy();
    server.close();
  });
  return { authenticate, client };
}

/** Reads a response. Resolves with the text and the error code of the stream; 0 for a proper end. */
function read(client: ClientHttp2Session, onText: () => void): Promise<[text: string, code: number]> {
  const stream = client.request({ authorization: 'Bearer abc' });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
    onText();
  });
  return new Promise((resolve) => {
    stream.on('error', () => {}).on('close', () => resolve([text, stream.rstCode]));
  });
}

describe('over HTTP/2', () => {
  it.each([
    ['an event stream ends properly', 'text/event-stream', 0],
    ['a download is cancelled', 'text/csv', 8],
  ])('%s when its token ends, and the connection stays open', async (_title, type, code) => {
    const { authenticate, client } = await start(type);
    const invalidate = () => void authenticate.invalidate({ token: 'abc' });
    expect(await read(client, invalidate)).toEqual(['data: hello\n\n', code]);
    expect(await read(client, invalidate)).toEqual(['data: hello\n\n', code]);
  });
});
