import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Starts a proxy between one process and Redis. Connections can be refused, become silent for good, or be slow. */
export async function startNemesisProxy(targetPort) {
  const pairs = new Set();
  let isRefusing = false;
  let isSilent = false;
  let delayMs = 0;

  const server = createServer((near) => {
    near.on('error', () => {});
    if (isRefusing) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(targetPort, '127.0.0.1');
    // A silent connection stays silent, as after a router has lost its state.
    const pair = { near, far, isSilent };
    pairs.add(pair);
    const forward = (from, to) => {
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('data', (chunk) => {
        if (pair.isSilent) return;
        const write = () => !to.destroyed && !pair.isSilent && to.write(chunk);
        if (delayMs > 0) setTimeout(write, delayMs);
        else write();
      });
      from.on('close', () => {
        if (pair.isSilent) return;
        pairs.delete(pair);
        to.destroy();
      });
    };
    forward(near, far);
    forward(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function destroyAll() {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
    pairs.clear();
  }

  return {
    port: server.address().port,
    refuse() {
      isRefusing = true;
      destroyAll();
    },
    cut() {
      isSilent = true;
      for (const pair of pairs) pair.isSilent = true;
    },
    repair() {
      isRefusing = false;
      isSilent = false;
      // Otherwise the client would never notice that the connection is dead.
      for (const pair of pairs) if (pair.isSilent) pair.near.resetAndDestroy();
    },
    delay(ms) {
      delayMs = ms;
    },
    stop() {
      destroyAll();
      server.close();
    },
  };
}
