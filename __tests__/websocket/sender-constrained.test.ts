import { createHash, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { webSocketUpgrade } from '../../lib/websocket/index.js';
import { createAuthenticate } from '../support/api.js';
import { SELF_SIGNED } from '../support/certificate.js';
import { createCertificate } from '../support/certificates.js';
import { createClock } from '../support/clock.js';
import { boundTo } from '../support/dpop.js';
import { createSender, ORIGIN } from '../support/dpop-sender.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { attend, serveSockets } from '../support/sockets.js';
import { until } from '../support/until.js';

const TOKEN_REJECTED = [1008, 'invalid_token'];

describe('a socket of a DPoP-bound token', () => {
  it('keeps the proof of its upgrade for rechecks, and is closed when the token is bound to another key', async () => {
    const [sender, other] = await Promise.all([createSender(), createSender()]);
    const endpoint = await createEndpoint(boundTo(sender));
    const clock = createClock(Math.floor(Date.now() / 1000));
    const authenticate = createAuthenticate(endpoint, { dpop: { origin: ORIGIN }, cache: { ttlSeconds: 1 } });
    const server = await serveSockets(authenticate);
    const dpop = await sender.proof('abc', clock, { claims: { htu: `${ORIGIN}/socket` } });
    const client = await server.connect(undefined, { authorization: 'DPoP abc', dpop });
    await until(() => endpoint.asked.length > 2);
    client.socket.send('still there');
    await until(() => client.messages.length > 0);
    endpoint.script = boundTo(other);
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });
});

describe('a socket of a certificate-bound token', () => {
  it('keeps the certificate of its connection for rechecks', async () => {
    const [holder, other] = await Promise.all([
      createCertificate('client', 'own'),
      createCertificate('client', 'other'),
    ]);
    const boundToCertificate = ({ cert }: { cert: string }) =>
      active({ cnf: { 'x5t#S256': createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url') } });
    const endpoint = await createEndpoint(boundToCertificate(holder));
    const authenticate = createAuthenticate(endpoint, { mtls: true, cache: { ttlSeconds: 1 } });
    const server = createServer({ ...SELF_SIGNED, requestCert: true, rejectUnauthorized: false });
    const wss = new WebSocketServer({ noServer: true });
    server.on('upgrade', webSocketUpgrade(authenticate, wss));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `wss://localhost:${(server.address() as AddressInfo).port}`;
      const headers = { authorization: 'Bearer abc' };
      const open = (certificate: typeof holder) =>
        attend(new WebSocket(url, { headers, ca: SELF_SIGNED.cert, cert: certificate.cert, key: certificate.key }));
      await expect(open(other)).rejects.toThrow('401');
      const client = await open(holder);
      await until(() => endpoint.asked.length > 2);
      expect(client.socket.readyState).toBe(WebSocket.OPEN);
      endpoint.script = boundToCertificate(other);
      expect(await client.closed).toEqual(TOKEN_REJECTED);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
