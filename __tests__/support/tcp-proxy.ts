import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/** A proxy between a client and a server on loopback that can break connections. */
export interface TcpProxy {
  readonly port: number;
  /** Number of connections so far. */
  readonly made: number;
  /** Closes all connections and refuses new ones. */
  cut(): void;
  /** Accepts connections again. */
  mend(): void;
  /** Stops forwarding for one connection, given by its index from 0, without closing it. New connections work. */
  silence(index: number): void;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  isSilent: boolean;
}

const cleanups: (() => void)[] = [];

afterAll(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const pairs: Pair[] = [];
  let isCut = false;
  const server = createServer((near) => {
    near.on('error', () => {});
    if (isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    const pair: Pair = { near, far, isSilent: false };
    pairs.push(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay();
      from.on('error', () => {});
      from.on('data', (bytes) => !pair.isSilent && !to.destroyed && to.write(bytes));
      from.on('close', () => !pair.isSilent && to.destroy());
    }
  });
  const destroy = () => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  };
  cleanups.push(() => {
    destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get made() {
      return pairs.length;
    },
    cut() {
      isCut = true;
      destroy();
    },
    mend() {
      isCut = false;
    },
    silence(index) {
      const pair = pairs[index];
      if (pair !== undefined) pair.isSilent = true;
    },
  };
}
