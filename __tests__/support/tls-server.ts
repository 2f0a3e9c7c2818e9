import type { ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { serveTls } from './serve-tls.js';

export interface TlsServer {
  readonly url: string;
  /** Name in the client certificate of each request. `undefined` without a certificate. */
  readonly peers: (string | undefined)[];
  /** Number of connections so far. */
  connections(): number;
}

/** An endpoint with the certificate `SELF_SIGNED` that requests a client certificate. It is closed after the test. */
export async function createTlsServer(
  answer: (res: ServerResponse, peer: string | undefined) => void,
): Promise<TlsServer> {
  const peers: (string | undefined)[] = [];
  let connections = 0;
  const { url, server } = await serveTls((req, res) => {
    const { subject } = (req.socket as TLSSocket).getPeerCertificate();
    const peer = subject?.CN === undefined ? undefined : String(subject.CN);
    peers.push(peer);
    req.resume().on('end', () => answer(res, peer));
  });
  server.on('secureConnection', () => connections++);
  return { url: `${url}/introspect`, peers, connections: () => connections };
}
