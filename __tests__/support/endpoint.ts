import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly form: URLSearchParams;
  readonly socket: Socket;
}

/** A response. An object is sent as JSON with status 200. A function writes the response itself. */
export type Script = object | ((asked: Asked, res: ServerResponse, req: IncomingMessage) => unknown);

export interface Endpoint {
  readonly url: string;
  /** All requests that arrived, in order. */
  readonly asked: Asked[];
  /** Sets the response to all later requests. */
  script: Script;
  close(): Promise<void>;
}

const open = new Set<Endpoint>();

afterEach(async () => {
  await Promise.all([...open].map((endpoint) => endpoint.close()));
});

/** An introspection endpoint on loopback with scripted responses. It is closed after the test. */
export async function createEndpoint(script: Script): Promise<Endpoint> {
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    const { method, url, headers, socket } = req;
    const asked = { method, url, headers, body, form: new URLSearchParams(body), socket };
    endpoint.asked.push(asked);
    if (typeof endpoint.script === 'function') {
      const result = await endpoint.script(asked, res, req);
      if (result !== undefined) json(res, result);
    } else {
      json(res, endpoint.script);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint: Endpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`,
    asked: [],
    script,
    async close() {
      open.delete(endpoint);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  open.add(endpoint);
  return endpoint;
}

export function json(res: ServerResponse, body: unknown, status = 200): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** An active response that is valid for an hour. Members of `more` are added or replace others. */
export function active(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    active: true,
    sub: 'alice',
    scope: 'read write',
    client_id: 'app',
    token_type: 'Bearer',
    exp: Math.floor(Date.now() / 1000) + 3600,
    ...more,
  };
}
