import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Stands between one process and Redis. Connections can be refused, go silent for good, or be slow. */
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
    // What was silent once stays so, as behind a router that has forgotten a connection.
    const pair = { near, far, isSilent };
    pairs.add(pair);
    const pass = (from, to) => {
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
    pass(near, far);
    pass(far, near);
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
    mend() {
      isRefusing = false;
      isSilent = false;
      // The client of the app has no other way to notice.
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
