import type { RootTokenIntrospection, TokenIntrospectionOptions } from '../../lib/index.js';
import { redisStore } from '../../lib/redis/index.js';
import { createAuthenticate } from './api.js';
import type { Endpoint } from './endpoint.js';
import { REDIS_CLIENTS } from './redis-clients.js';

type Cache = Exclude<TokenIntrospectionOptions['cache'], false | undefined>;

export interface Member {
  readonly authenticate: RootTokenIntrospection;
  /** `accepted`, or why not. */
  check(token?: string): Promise<string>;
}

export interface MemberOptions extends Partial<Omit<TokenIntrospectionOptions, 'cache'>> {
  readonly cache?: Cache;
}

const SECRETS = ['shared-secret-of-the-fleet-0123456789'];

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Ends something after the test. */
export function endLater(end: () => void): void {
  ends.push(end);
}

/** One process of a fleet, over a client that is connected already. */
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

/** One process of a fleet, over a client of its own. */
export async function join(
  endpoint: Endpoint,
  url: string,
  kind = 'redis 6',
  options?: MemberOptions,
): Promise<Member> {
  const { client, end } = await (REDIS_CLIENTS[kind] as (typeof REDIS_CLIENTS)[string])(url);
  endLater(end);
  return memberOver(endpoint, client, options);
}

/** Polls, and fails when it takes too long. */
export async function eventually(condition: () => Promise<boolean>, withinMs = 8000): Promise<void> {
  const until = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

let warmUps = 0;

/** Until all share answers: a new token that the first has asked about is asked about by no other. */
export async function untilAllShare(endpoint: Endpoint, members: readonly Member[], withinMs?: number): Promise<void> {
  await eventually(async () => {
    const token = `warm-up-${warmUps++}`;
    await members[0]?.check(token);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const before = endpoint.asked.length;
    for (const { check: judge } of members) await judge(token);
    return endpoint.asked.length === before;
  }, withinMs);
}

/** How often the endpoint was asked about a token. */
export function callsFor(endpoint: Endpoint, token = 'token'): number {
  return endpoint.asked.filter(({ form }) => form.get('token') === token).length;
}
