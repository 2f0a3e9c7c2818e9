import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Requests that this page's server sends to the API, over HTTP as anyone would. */
export interface Load {
  readonly requests: number;
  /** How many replies had which status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly ms: number;
}

const SIDE_BY_SIDE = 16;

/** Marks these requests. They are counted, but not listed: hundreds of them would push the requests of people off the list. */
const USER_AGENT = 'example-app-load';

export function isLoad(req: IncomingMessage): boolean {
  return req.headers['user-agent'] === USER_AGENT;
}

/** Calls a URL once with each token, many at a time. */
export async function callWith(tokens: readonly string[], url: string): Promise<Load> {
  const statuses: Record<string, number> = {};
  const start = performance.now();
  await sideBySide(tokens, async (token) => {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, 'user-agent': USER_AGENT },
    });
    await response.arrayBuffer();
    statuses[response.status] = (statuses[response.status] ?? 0) + 1;
  });
  return { requests: tokens.length, statuses, ms: Math.round(performance.now() - start) };
}

/** Tokens nobody issued: as many different ones, or one so many times. */
export function madeUpTokens(count: number, distinct: boolean): string[] {
  const one = madeUp();
  return Array.from({ length: count }, () => (distinct ? madeUp() : one));
}

export async function sideBySide<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
}

function madeUp(): string {
  return randomBytes(32).toString('base64url');
}
