import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SELF_SIGNED } from './certificate.js';
import type { Certificate } from './certificates.js';

const servers = new Set<Server>();

afterEach(async () => {
  await Promise.all(
    [...servers].map(async (server) => {
      servers.delete(server);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    }),
  );
});

/** An app over TLS that requests a client certificate and accepts any. It is closed after the test. */
export async function serveTls(
  listener: RequestListener,
  tls: Certificate = SELF_SIGNED,
): Promise<{ url: string; server: Server }> {
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, listener);
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, server };
}

export interface TlsResponse {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a GET over a new connection with this client certificate. */
export function getTls(
  url: string,
  headers: Record<string, string>,
  certificate?: Certificate,
  ca: string = SELF_SIGNED.cert,
): Promise<TlsResponse> {
  return new Promise((resolve, reject) => {
    const options = { headers, ca, agent: false, ...(certificate && { cert: certificate.cert, key: certificate.key }) };
    const sent = request(url, options, async (res) => {
      let body = '';
      for await (const chunk of res.setEncoding('utf8')) body += chunk;
      resolve({ status: res.statusCode, headers: res.headers, body });
    });
    sent.on('error', reject).end();
  });
}
