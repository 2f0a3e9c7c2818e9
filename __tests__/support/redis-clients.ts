import { Redis as Redis6 } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createClient as createClient6 } from 'redis';
import { createClient as createClient5 } from 'redis5';
import type { IoRedisClient, NodeRedisClient } from '../../lib/redis/index.js';

export interface Connected {
  readonly client: NodeRedisClient | IoRedisClient;
  end(): void;
}

/** Every kind of client that `redisStore()` supports, connected to the Redis at a URL. */
export const REDIS_CLIENTS: Readonly<Record<string, (url: string) => Promise<Connected>>> = {
  async 'redis 6'(url) {
    const client = createClient6({ url });
    client.on('error', () => {});
    await client.connect();
    return { client, end: () => client.destroy() };
  },
  async 'redis 6, with version 2 of the protocol'(url) {
    const client = createClient6({ url, RESP: 2 });
    client.on('error', () => {});
    await client.connect();
    return { client, end: () => client.destroy() };
  },
  async 'redis 5'(url) {
    const client = createClient5({ url });
    client.on('error', () => {});
    await client.connect();
    return { client, end: () => client.destroy() };
  },
  async 'ioredis 6'(url) {
    const client = new Redis6(url);
    client.on('error', () => {});
    return { client, end: () => client.disconnect() };
  },
  async 'ioredis 5'(url) {
    const client = new Redis5(url);
    client.on('error', () => {});
    return { client, end: () => client.disconnect() };
  },
};
