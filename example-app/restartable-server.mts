import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where a server of this example listens: it can be closed and opened again on its port, and made slow. */
export interface Door {
  readonly origin: string;
  readonly isOpen: boolean;
  /** How long each request waits before it is answered. */
  delayMs: number;
  /** Who answers from now on. */
  answerWith(listener: RequestListener): void;
  open(): Promise<void>;
  /** Drops every connection. */
  close(): Promise<void>;
}

export const HOST = '127.0.0.1';

/** Opens a door on the port, or on a free one for 0. */
export async function openDoor(port: number): Promise<Door> {
  let listener: RequestListener = (_req, res) => res.writeHead(503).end();
  let delayMs = 0;
  let server = await listen(createServer(answer), port);
  const { port: opened } = server.address() as AddressInfo;
  /** Opening and closing take their time: one after the other. */
  let turn: Promise<void> = Promise.resolve();

  function answer(...[req, res]: Parameters<RequestListener>): void {
    if (delayMs === 0) return void listener(req, res);
    setTimeout(() => req.socket.destroyed || listener(req, res), delayMs).unref();
  }

  function inTurn(work: () => Promise<void>): Promise<void> {
    turn = turn.then(work, work);
    return turn;
  }

  return {
    origin: `http://${HOST}:${opened}`,
    get isOpen() {
      return server.listening;
    },
    get delayMs() {
      return delayMs;
    },
    set delayMs(ms) {
      delayMs = ms;
    },
    answerWith(other) {
      listener = other;
    },
    open: () =>
      inTurn(async () => {
        if (!server.listening) server = await listen(createServer(answer), opened);
      }),
    close: () =>
      inTurn(async () => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await closed;
      }),
  };
}

/** Resolves once it listens; a taken port is an error that names it. */
export function listen(server: Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
