import { Agent, request } from 'node:http';

/** Sends requests to an API and resolves with their outcome. It gives up `giveUpAfterMs` after it sent a request. */
export function createClient(port, giveUpAfterMs) {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

  return {
    get: (path, token) =>
      new Promise((resolve) => {
        const sentAt = Date.now();
        const start = performance.now();
        const end = (status, text = '') => {
          const { stale, error } = status === 200 || status === 503 ? JSON.parse(text) : {};
          const latencyMs = performance.now() - start;
          resolve({ sentAt, receivedAt: Date.now(), latencyMs, status, stale: stale === true, error });
        };
        const sent = request({ port, host: '127.0.0.1', path, agent, headers: { authorization: `Bearer ${token}` } });
        sent.setTimeout(giveUpAfterMs, () => sent.destroy());
        sent.on('error', () => end(0));
        sent.on('response', (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => end(response.statusCode, text));
          response.on('error', () => end(0));
        });
        sent.end();
      }),
    close: () => agent.destroy(),
  };
}
