import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server of this example. It can be stopped, started again on the same port, and slowed down. */
export interface RestartableServer {
  readonly origin: string;
  readonly isListening: boolean;
  /** Milliseconds that each request waits before the listener gets it. Default 0. */
  delayMs: number;
  /** Sets the listener for all later requests. Without one, the server responds with 503. */
  setListener(listener: RequestListener): void;
  start(): Promise<void>;
  /** Stops the server and drops every connection. */
  stop(): Promise<void>;
}

export const HOST = '127.0.0.1';

/** Starts a server on this port. Port 0 takes a free one. */
export async function startRestartableServer(port: number): Promise<RestartableServer> {
  let listener: RequestListener = (_req, res) => res.writeHead(503).end();
  let delayMs = 0;
  let server = await listen(createServer(handle), port);
  const { port: listeningPort } = server.address() as AddressInfo;
  /** The last start or stop. The next one waits for it. */
  let lastChange: Promise<void> = Promise.resolve();

  function handle(...[req, res]: Parameters<RequestListener>): void {
    if (delayMs === 0) return void listener(req, res);
    setTimeout(() => req.socket.destroyed || listener(req, res), delayMs).unref();
  }

  function afterLastChange(change: () => Promise<void>): Promise<void> {
    lastChange = lastChange.then(change, change);
    return lastChange;
  }

  return {
    origin: `http://${HOST}:${listeningPort}`,
    get isListening() {
      return server.listening;
    },
    get delayMs() {
      return delayMs;
    },
    set delayMs(ms) {
      delayMs = ms;
    },
    setListener(newListener) {
      listener = newListener;
    },
    start: () =>
      afterLastChange(async () => {
        if (!server.listening) server = await listen(createServer(handle), listeningPort);
      }),
    stop: () =>
      afterLastChange(async () => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await closed;
      }),
  };
}

/** Resolves once the server listens. Rejects with the error of Node.js, which names the port when it is in use. */
export function listen(server: Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
