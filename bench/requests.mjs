import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';

/**
 * Creates real requests, with their responses: one client sends them all over one connection, and the server leaves them unanswered.
 * `release` closes the connection.
 */
export async function collectRequests(tokens) {
  const pairs = [];
  let onComplete;
  const isComplete = new Promise((resolve) => {
    onComplete = resolve;
  });
  const server = createServer((req, res) => {
    pairs.push([req, res]);
    if (pairs.length === tokens.length) onComplete();
  });
  server.maxRequestsPerSocket = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(server.address().port, '127.0.0.1');
  client.on('error', () => {});
  client.write(tokens.map(toRequest).join(''));
  await isComplete;
  return {
    pairs,
    release() {
      client.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

function toRequest(token) {
  return `GET /reports HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\nAuthorization: Bearer ${token}\r\n\r\n`;
}
