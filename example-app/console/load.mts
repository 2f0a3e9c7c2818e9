import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Result of many requests that this server sent to its own API over HTTP. */
export interface LoadResult {
  readonly requests: number;
  /** Number of responses by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly ms: number;
}

const CONCURRENCY = 16;

/** Marks generated requests. They are counted but not listed, because hundreds of them would push all others off the list. */
const USER_AGENT = 'example-app-load';

export function isGeneratedLoad(req: IncomingMessage): boolean {
  return req.headers['user-agent'] === USER_AGENT;
}

/** Calls a URL once with each token, 16 at a time. */
export async function callWithTokens(tokens: readonly string[], url: string): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  const start = performance.now();
  await runConcurrently(tokens, async (token) => {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, 'user-agent': USER_AGENT },
    });
    await response.arrayBuffer();
    statuses[response.status] = (statuses[response.status] ?? 0) + 1;
  });
  return { requests: tokens.length, statuses, ms: Math.round(performance.now() - start) };
}

/** Random tokens that were never issued: all different if `distinct`, otherwise the same one `count` times. */
export function randomTokens(count: number, distinct: boolean): string[] {
  const repeated = randomToken();
  return Array.from({ length: count }, () => (distinct ? randomToken() : repeated));
}

/** Runs `work` for each item, 16 at a time. */
export async function runConcurrently<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

function randomToken(): string {
  return randomBytes(32).toString('base64url');
}
