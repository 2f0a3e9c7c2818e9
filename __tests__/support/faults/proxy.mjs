import { connect, createServer } from 'node:net';

const CRLF = '\r\n';
const HTML = '<!doctype html><title>Sign in</title><p>Sign in';

/** What a fault makes of one question. `refuse` is none of them: no question gets through a closed port. */
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

/** Stands between a client and an HTTP endpoint on loopback, and does to their exchanges what a fault says. */
export async function startFaultProxy(upstream) {
  const { hostname, port: upstreamPort, pathname } = new URL(upstream);
  const sockets = new Set();
  const exchanges = [];
  let fault = { kind: 'pass' };
  let underWay = 0;
  let peak = 0;
  let server = await listen(0);
  const { port } = server.address();

  function listen(at) {
    return new Promise((resolve, reject) => {
      const opened = createServer(serve);
      opened.once('error', reject);
      opened.listen(at, '127.0.0.1', () => resolve(opened));
    });
  }

  function serve(socket) {
    let behind;
    let waiting;
    let isAsking = false;
    let timer;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      end();
      clearTimeout(timer);
      behind?.destroy();
    });

    function end() {
      if (isAsking) underWay--;
      isAsking = false;
    }

    /** Asks the endpoint itself, over a connection that belongs to the client's. */
    function forward(bytes, onReply) {
      waiting = onReply;
      if (behind === undefined) {
        const opened = connect(Number(upstreamPort), hostname);
        behind = opened;
        opened.on('error', () => {});
        opened.once('close', () => {
          if (behind === opened) behind = undefined;
          if (waiting !== undefined) socket.resetAndDestroy();
        });
        eachMessage(opened, (reply) => {
          const take = waiting;
          waiting = undefined;
          take?.(reply);
        });
      }
      behind.write(bytes);
    }

    eachMessage(socket, ({ bytes, body }) => {
      isAsking = true;
      peak = Math.max(peak, ++underWay);
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
    /** From now on, for questions that come from now on; a closed port also cuts the connections there are. */
    async set(next) {
      fault = next;
      if (next.kind === 'refuse') await close();
      else if (!server.listening) server = await listen(port);
    },
    /** The most questions that were open side by side. */
    peak: () => peak,
    connections: () => sockets.size,
    close,
  };
}

/** Messages that say how long they are, which is all that travels here. */
function eachMessage(socket, take) {
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
      take({ bytes, body: bytes.subarray(end + 4) });
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
