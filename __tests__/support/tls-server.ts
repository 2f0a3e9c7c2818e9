import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SELF_SIGNED } from './certificate.js';

export interface TlsServer {
  readonly url: string;
  /** The name in the client's certificate, for each request; `undefined` where there was none. */
  readonly peers: (string | undefined)[];
  /** How many connections were opened. */
  connections(): number;
}

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

/** An endpoint with the certificate of `SELF_SIGNED` that asks for the client's own; closed after the test. */
export async function createTlsServer(
  answer: (res: ServerResponse, peer: string | undefined) => void,
): Promise<TlsServer> {
  const peers: (string | undefined)[] = [];
  let connections = 0;
  const server = createServer({ ...SELF_SIGNED, requestCert: true, rejectUnauthorized: false }, (req, res) => {
    const { subject } = (req.socket as TLSSocket).getPeerCertificate();
    const peer = subject?.CN === undefined ? undefined : String(subject.CN);
    peers.push(peer);
    req.resume().on('end', () => answer(res, peer));
  });
  server.on('secureConnection', () => connections++);
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://localhost:${(server.address() as AddressInfo).port}/introspect`;
  return { url, peers, connections: () => connections };
}
