import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

const servers = new Set<Server>();

afterEach(async () => {
  await Promise.all([...servers].map(close));
});

/** Starts a server for several requests. It is closed after the test. */
export async function serve(listener: RequestListener): Promise<{ readonly url: string; readonly port: number }> {
  const server = createServer(listener);
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}

export interface RawResponse {
  readonly status: number;
  /** Header lines as received, with names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Values of one header, one for each line. */
  header(name: string): string[];
}

/** Sends the bytes of a request unchanged, which HTTP clients would correct, and reads until the server closes the connection. */
export async function exchange(listener: RequestListener, lines: readonly string[], body = ''): Promise<RawResponse> {
  const { port } = await serve(listener);
  const [requestLine, ...headers] = lines;
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`];
  const head = [requestLine, 'Host: api.test', 'Connection: close', ...headers, ...length];
  const socket = connect(port, '127.0.0.1');
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1');
  return parse(await readAll(socket));
}

function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.on('error', reject);
  });
}

function parse(text: string): RawResponse {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body: text.slice(end + 4),
    header: (name) => headers.filter(([each]) => each === name.toLowerCase()).map(([, value]) => value),
  };
}

function close(server: Server): Promise<unknown> {
  servers.delete(server);
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  return closed;
}
