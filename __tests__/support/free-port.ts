import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Ports that the system gives to no connection and to no server with port 0, so another test cannot get them by chance. */
const [FIRST, END] = [10_000, 32_000];

/** A port on which nothing listens now. */
export async function freePort(): Promise<number> {
  const port = randomInt(FIRST, END);
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, () => resolve(true));
  });
  if (!isFree) return freePort();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
