import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface RawRequest {
  readonly socket: Socket;
  /** Counted from 1, over all connections. */
  readonly number: number;
  readonly head: string;
  readonly body: string;
}

export interface RawServer {
  readonly port: number;
  readonly sockets: readonly Socket[];
  readonly requests: readonly RawRequest[];
  /** Number of open connections. */
  open(): number;
}

const servers = new Map<Server, Set<Socket>>();

afterEach(async () => {
  await Promise.all([...servers].map(([server, sockets]) => close(server, sockets)));
  servers.clear();
});

/** A server that responds with scripted bytes or closes the connection. It is closed after the test. */
export async function createRawServer(onRequest: (request: RawRequest) => void): Promise<RawServer> {
  const sockets: Socket[] = [];
  const open = new Set<Socket>();
  const requests: RawRequest[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const [head, body] = received.split('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head ?? '')?.[1]);
      if (head === undefined || body === undefined || body.length < length) return;
      received = '';
      const request = { socket, number: requests.length + 1, head, body };
      requests.push(request);
      onRequest(request);
    });
  });
  servers.set(server, open);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, sockets, requests, open: () => open.size };
}

/** The bytes of a response. */
export function response(body: string, headers: Record<string, string> = {}, status = '200 OK'): string {
  const lines = Object.entries({ 'Content-Type': 'application/json', 'Content-Length': body.length, ...headers });
  return [`HTTP/1.1 ${status}`, ...lines.map(([name, value]) => `${name}: ${value}`), '', body].join('\r\n');
}

function close(server: Server, open: Set<Socket>): Promise<unknown> {
  const closed = new Promise((resolve) => server.close(resolve));
  for (const socket of open) socket.destroy();
  return closed;
}
