import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { TokenIntrospection, TokenIntrospectionOptions } from '../../lib/index.js';
import { type KeepOptions, webSocketUpgrade } from '../../lib/websocket/index.js';
import { createAuthenticate } from './api.js';
import { active, createEndpoint, type Script } from './endpoint.js';

export interface Client {
  readonly socket: WebSocket;
  /** Received messages, in order. */
  readonly messages: string[];
  /** Code and reason, after the socket has closed. */
  readonly closed: Promise<readonly [code: number, reason: string]>;
}

/** The response to a rejected upgrade. */
export interface UpgradeRejection {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface SocketServer {
  readonly port: number;
  readonly http: Server;
  readonly wss: WebSocketServer;
  /** Opens a socket, with a bearer token if given. */
  connect(token?: string, headers?: Record<string, string>): Promise<Client>;
  /** Expects that the upgrade is rejected, and resolves with the response. */
  rejected(token?: string, headers?: Record<string, string>): Promise<UpgradeRejection>;
}

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A scripted endpoint, the middleware over it, and a WebSocket server behind that; closed after the test. */
export async function createSocketSetup(
  script: Script = active(),
  options: Partial<TokenIntrospectionOptions> = {},
  keep: KeepOptions = {},
) {
  const endpoint = await createEndpoint(script);
  const authenticate = createAuthenticate(endpoint, options);
  return { endpoint, authenticate, server: await serveSockets(authenticate, keep) };
}

/** A WebSocket server over a server of `node:http` that repeats each message. It is closed after the test. */
export async function serveSockets(
  authenticate: Pick<TokenIntrospection, 'authenticateRequest'>,
  options: KeepOptions = {},
): Promise<SocketServer> {
  const http = createServer((_req, res) => void res.writeHead(426).end());
  const wss = new WebSocketServer({ noServer: true });
  http.on('upgrade', webSocketUpgrade(authenticate, wss, options));
  wss.on('connection', (socket) => {
    socket.on('message', (message) => socket.send(String(message)));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  closing.push(() => {
    for (const socket of wss.clients) socket.terminate();
    http.close();
    http.closeAllConnections();
  });
  const url = `ws://127.0.0.1:${port}/socket`;
  return {
    port,
    http,
    wss,
    connect: (token, headers) => attend(open(url, token, headers)),
    rejected: (token, headers) => rejectionOf(open(url, token, headers)),
  };
}

/** Begins to open a socket, with a bearer token if given. */
export function open(url: string, token?: string, headers?: Record<string, string>): WebSocket {
  return new WebSocket(url, {
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
  });
}

/** Collects the events of a client's socket after it has opened. */
export async function attend(socket: WebSocket): Promise<Client> {
  const messages: string[] = [];
  socket.on('message', (message) => messages.push(String(message)));
  const closed = new Promise<readonly [number, string]>((resolve) => {
    socket.on('close', (code, reason) => resolve([code, String(reason)]));
  });
  closing.push(() => socket.terminate());
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve).on('error', reject);
  });
  return { socket, messages, closed };
}

/** Expects that the upgrade is rejected, and resolves with the response. */
export function rejectionOf(socket: WebSocket): Promise<UpgradeRejection> {
  return new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('The upgrade was accepted')));
    socket.on('error', reject);
    socket.on('unexpected-response', async (_req, res) => {
      let body = '';
      for await (const chunk of res.setEncoding('utf8')) body += chunk;
      resolve({ status: res.statusCode, headers: res.headers, body });
    });
  });
}
