import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Ports that the system gives to no connection and to no server with port 0, so another test cannot get them by chance. */
const [FIRST, END] = [10_000, 32_000];

/** A port of loopback on which nothing listens now. */
export async function freePort(): Promise<number> {
  const port = randomInt(FIRST, END);
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!isFree) return freePort();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
