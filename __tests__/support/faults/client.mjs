import { Agent, request } from 'node:http';

/** Makes requests to an API and tells what came of them; gives up `patienceMs` after sending one. */
export function createClient(port, patienceMs) {
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
        const asking = request({ port, host: '127.0.0.1', path, agent, headers: { authorization: `Bearer ${token}` } });
        asking.setTimeout(patienceMs, () => asking.destroy());
        asking.on('error', () => end(0));
        asking.on('response', (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => end(response.statusCode, text));
          response.on('error', () => end(0));
        });
        asking.end();
      }),
    close: () => agent.destroy(),
  };
}
