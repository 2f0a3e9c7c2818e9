import type { RootTokenIntrospection, TokenIntrospectionOptions } from '../../lib/index.js';
import { redisStore } from '../../lib/redis/index.js';
import { createAuthenticate } from './api.js';
import type { Endpoint } from './endpoint.js';
import { REDIS_CLIENTS } from './redis-clients.js';

type Cache = Exclude<TokenIntrospectionOptions['cache'], false | undefined>;

export interface Member {
  readonly authenticate: RootTokenIntrospection;
  /** Introspects a token. Returns `accepted`, or the reason or code of the error. */
  check(token?: string): Promise<string>;
}

export interface MemberOptions extends Partial<Omit<TokenIntrospectionOptions, 'cache'>> {
  readonly cache?: Cache;
}

/** `cache.secrets` of every member. */
export const SECRETS = ['shared-secret-of-the-fleet-0123456789'];

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Calls a function after the test. */
export function runAfterTest(cleanup: () => void): void {
  cleanups.push(cleanup);
}

/** Acts as one process of a fleet, over a client that is connected already. */
export function memberOver(endpoint: Endpoint, client: unknown, { cache, ...options }: MemberOptions = {}): Member {
  const store = redisStore({ client: client as never });
  return memberOf(createAuthenticate(endpoint, { ...options, cache: { store, secrets: SECRETS, ...cache } }));
}

export function memberOf(authenticate: RootTokenIntrospection): Member {
  return {
    authenticate,
    check: (token = 'token') =>
      authenticate.introspect(token).then(
        () => 'accepted',
        (error: { reason?: string; code: string }) => error.reason ?? error.code,
      ),
  };
}

/** Acts as one process of a fleet, over a new client. */
export async function join(
  endpoint: Endpoint,
  url: string,
  kind = 'redis 6',
  options?: MemberOptions,
): Promise<Member> {
  const { client, end } = await (REDIS_CLIENTS[kind] as (typeof REDIS_CLIENTS)[string])(url);
  runAfterTest(end);
  return memberOver(endpoint, client, options);
}

/** Polls until a condition is true. @throws Error after `withinMs` milliseconds */
export async function eventually(condition: () => Promise<boolean>, withinMs = 8000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`The condition was not true within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

let warmUps = 0;

/** Waits until all members share responses: one looks up a new token, and then no other asks the endpoint about it. */
export async function untilAllShare(endpoint: Endpoint, members: readonly Member[], withinMs?: number): Promise<void> {
  await eventually(async () => {
    const token = `warm-up-${warmUps++}`;
    await members[0]?.check(token);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const before = endpoint.asked.length;
    for (const { check } of members) await check(token);
    return endpoint.asked.length === before;
  }, withinMs);
}

/** Number of introspection requests for a token. */
export function callsFor(endpoint: Endpoint, token = 'token'): number {
  return endpoint.asked.filter(({ form }) => form.get('token') === token).length;
}
