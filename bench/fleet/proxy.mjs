import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** What stands between one instance and Redis. While it is cut, connections stay open and nothing passes, as when a network is parted. */
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
    mend() {
      isCut = false;
      for (const socket of [...pairs].flat()) socket.resume();
    },
    stop() {
      for (const socket of [...pairs].flat()) socket.destroy();
      server.close();
    },
  };
}
