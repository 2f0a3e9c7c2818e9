import { connect, createServer } from 'node:net';

const CRLF = '\r\n';
const HTML = '<!doctype html><title>Sign in</title><p>Sign in';

/** Handles one request under each fault. `refuse` is missing, because no request gets through a closed port. */
const FAULTS = {
  pass: ({ socket, forward, deliver }) => forward((reply) => deliver(socket.write(reply.bytes), reply)),
  delay: ({ socket, fault, forward, deliver, later }) =>
    forward((reply) => later(fault.ms, () => deliver(socket.write(reply.bytes), reply))),
  stall: ({ socket, forward }) => forward((reply) => socket.write(half(reply))),
  truncate: ({ socket, forward }) => forward((reply) => socket.end(half(reply))),
  reset: ({ socket }) => socket.resetAndDestroy(),
  blackhole() {},
  status: ({ socket, fault }) => socket.write(statusReply(fault)),
  html: ({ socket }) => socket.write(response('200 OK', { 'Content-Type': 'text/html' }, HTML)),
};

/** Starts a proxy before an HTTP endpoint on loopback. It applies the current fault to each request. */
export async function startFaultProxy(endpoint) {
  const { hostname, port: endpointPort, pathname } = new URL(endpoint);
  const sockets = new Set();
  const exchanges = [];
  let fault = { kind: 'pass' };
  let pending = 0;
  let peak = 0;
  let server = await listen(0);
  const { port } = server.address();

  function listen(atPort) {
    return new Promise((resolve, reject) => {
      const opened = createServer(serve);
      opened.once('error', reject);
      opened.listen(atPort, '127.0.0.1', () => resolve(opened));
    });
  }

  function serve(socket) {
    let upstream;
    let onNextReply;
    let isPending = false;
    let timer;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      end();
      clearTimeout(timer);
      upstream?.destroy();
    });

    function end() {
      if (isPending) pending--;
      isPending = false;
    }

    /** Forwards a request to the endpoint. Each client connection has its own connection to the endpoint. */
    function forward(bytes, onReply) {
      onNextReply = onReply;
      if (upstream === undefined) {
        const opened = connect(Number(endpointPort), hostname);
        upstream = opened;
        opened.on('error', () => {});
        opened.once('close', () => {
          if (upstream === opened) upstream = undefined;
          if (onNextReply !== undefined) socket.resetAndDestroy();
        });
        eachMessage(opened, (reply) => {
          const deliverReply = onNextReply;
          onNextReply = undefined;
          deliverReply?.(reply);
        });
      }
      upstream.write(bytes);
    }

    eachMessage(socket, ({ bytes, body }) => {
      isPending = true;
      peak = Math.max(peak, ++pending);
      const token = new URLSearchParams(body.toString('latin1')).get('token');
      const exchange = { token, at: Date.now(), fault };
      exchanges.push(exchange);
      FAULTS[fault.kind]({
        socket,
        fault,
        forward: (onReply) => forward(bytes, onReply),
        later(ms, work) {
          timer = setTimeout(work, ms);
        },
        deliver(_written, reply) {
          end();
          exchange.answeredAt = Date.now();
          exchange.active = JSON.parse(reply.body.toString()).active === true;
        },
      });
      if (fault.kind === 'status' || fault.kind === 'html') end();
    });
  }

  async function close() {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  return {
    url: `http://127.0.0.1:${port}${pathname}`,
    exchanges,
    /** Sets the fault for all later requests. `refuse` also closes the existing connections. */
    async set(next) {
      fault = next;
      if (next.kind === 'refuse') await close();
      else if (!server.listening) server = await listen(port);
    },
    /** The highest number of concurrent requests so far. */
    peak: () => peak,
    connections: () => sockets.size,
    close,
  };
}

/** Reads HTTP messages with a Content-Length. No others are sent here. */
function eachMessage(socket, onMessage) {
  let received = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const end = received.indexOf(CRLF + CRLF);
      if (end === -1) return;
      const head = received.toString('latin1', 0, end);
      const size = end + 4 + Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (received.length < size) return;
      const bytes = received.subarray(0, size);
      received = received.subarray(size);
      onMessage({ bytes, body: bytes.subarray(end + 4) });
    }
  });
}

function half({ bytes, body }) {
  return bytes.subarray(0, bytes.length - Math.ceil(body.length / 2));
}

function statusReply({ status, retryAfterSeconds }) {
  const wait = retryAfterSeconds === undefined ? {} : { 'Retry-After': retryAfterSeconds };
  return response(`${status} Trouble`, { 'Content-Type': 'text/plain', ...wait }, 'trouble');
}

function response(status, headers, body) {
  const lines = Object.entries({ ...headers, 'Content-Length': body.length }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return [`HTTP/1.1 ${status}`, ...lines, '', body].join(CRLF);
}
