import { z } from 'zod';
import { SCOPES } from '../authorization-server.mjs';

const MAX_SECONDS = 86_400;

/** Longer than the middleware's default timeout of 3000 ms. */
const MAX_DELAY_MS = 10_000;

const MAX_LOAD = 1000;

const subject = z.string().regex(/^[\w.@-]{1,64}$/, 'only letters, digits and . _ @ -, at most 64');

/** JSON bodies that the console's endpoints accept. */
export const REQUEST_SCHEMAS = {
  token: z.strictObject({
    subject,
    scopes: z.array(z.enum(SCOPES as [string, ...string[]])).min(1, 'at least one'),
    ttlSeconds: z.int().min(1).max(MAX_SECONDS),
  }),
  introspect: z.strictObject({ token: z.string().min(1) }),
  revoke: z.strictObject({ token: z.string().min(1) }),
  logout: z.strictObject({ subject }),
  delay: z.strictObject({ ms: z.int().min(0).max(MAX_DELAY_MS) }),
  fill: z.strictObject({ tokens: z.int().min(1).max(MAX_LOAD) }),
  flush: z.strictObject({}),
  flood: z.strictObject({ requests: z.int().min(1).max(MAX_LOAD), distinct: z.boolean() }),
};
