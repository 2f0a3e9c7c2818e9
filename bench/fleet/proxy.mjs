import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Starts a proxy between one instance and Redis. While it is cut, connections stay open but nothing passes, as in a network partition. */
export async function startProxy(targetPort) {
  let isCut = false;
  const pairs = new Set();
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    const pair = [near, far];
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [pair, [far, near]]) {
      from.setNoDelay(true);
      from.on('data', (chunk) => to.write(chunk));
      from.on('error', end);
      from.on('close', end);
      if (isCut) from.pause();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    cut() {
      isCut = true;
      for (const socket of [...pairs].flat()) socket.pause();
    },
    repair() {
      isCut = false;
      for (const socket of [...pairs].flat()) socket.resume();
    },
    stop() {
      for (const socket of [...pairs].flat()) socket.destroy();
      server.close();
    },
  };
}
