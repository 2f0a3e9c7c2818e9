import { z } from 'zod';
import { SCOPES } from '../authorization-server.mjs';

const MAX_SECONDS = 86_400;

/** Longer than the middleware waits for an answer. */
const MAX_DELAY_MS = 10_000;

const MAX_LOAD = 1000;

/** What the console's endpoints take, as JSON. */
export const ORDERS = {
  token: z.strictObject({
    subject: z.string().regex(/^[\w.@-]{1,64}$/, 'letters, digits and . _ @ - only, at most 64'),
    scopes: z.array(z.enum(SCOPES as [string, ...string[]])).min(1, 'at least one'),
    ttlSeconds: z.int().min(1).max(MAX_SECONDS),
  }),
  introspect: z.strictObject({ token: z.string().min(1) }),
  revoke: z.strictObject({ token: z.string().min(1) }),
  delay: z.strictObject({ ms: z.int().min(0).max(MAX_DELAY_MS) }),
  fill: z.strictObject({ tokens: z.int().min(1).max(MAX_LOAD) }),
  flush: z.strictObject({}),
  flood: z.strictObject({ requests: z.int().min(1).max(MAX_LOAD), distinct: z.boolean() }),
};
