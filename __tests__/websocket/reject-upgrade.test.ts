import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Duplex } from 'node:stream';
import { AuthError, IntrospectionError } from '../../lib/index.js';
import { rejectUpgrade } from '../../lib/websocket/index.js';

/** A connection that records what is written to it. */
function createConnection() {
  const chunks: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { socket, text: () => Buffer.concat(chunks).toString('latin1') };
}

describe('rejectUpgrade', () => {
  it.each([
    [new AuthError('malformed_credentials'), 'HTTP/1.1 400 Bad Request'],
    [new AuthError('no_credentials'), 'HTTP/1.1 401 Unauthorized'],
    [new AuthError('insufficient_scope'), 'HTTP/1.1 403 Forbidden'],
    [new IntrospectionError('timeout'), 'HTTP/1.1 503 Service Unavailable'],
    [new Error('secret'), 'HTTP/1.1 500 Internal Server Error'],
    [undefined, 'HTTP/1.1 500 Internal Server Error'],
  ])('responds to %s with %s and the right Content-Length', (error, line) => {
    const { socket, text } = createConnection();
    rejectUpgrade(socket, error);
    const [head = '', body = ''] = text().split('\r\n\r\n');
    expect(head.split('\r\n')[0]).toBe(line);
    expect(head).toContain(`Content-Length: ${body.length}`);
    expect(head).toContain('Connection: close');
    expect(text()).not.toContain('secret');
    socket.destroy();
  });

  it('survives a client that resets the connection', async () => {
    const { socket } = createConnection();
    const closed = new Promise((resolve) => socket.on('close', resolve));
    rejectUpgrade(socket, new AuthError('inactive'));
    socket.destroy(new Error('ECONNRESET'));
    await closed;
  });

  it('writes nothing to a closed connection', () => {
    const { socket, text } = createConnection();
    socket.destroy();
    rejectUpgrade(socket, new AuthError('inactive'));
    expect(text()).toBe('');
  });

  it('closes the connection as soon as the client does, whatever the client sent before', async () => {
    const listener: RequestListener = (_req, res) => void res.writeHead(426).end();
    const server = createServer(listener);
    const gone = new Promise<number>((resolve) => {
      server.on('upgrade', (_req, socket) => {
        const from = performance.now();
        socket.on('close', () => resolve(performance.now() - from));
        rejectUpgrade(socket, new AuthError('inactive'));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let response = '';
    socket.setEncoding('latin1').on('data', (text) => {
      response += text;
    });
    const head = 'GET / HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    socket.end(head + 'x'.repeat(200_000));
    await new Promise((resolve) => socket.on('close', resolve));
    expect(response).toMatch(/^HTTP\/1\.1 401 /);
    expect(await gone).toBeLessThan(900);
    server.close();
  });
});
