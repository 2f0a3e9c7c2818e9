import { INACTIVE_TTL_SECONDS, TTL_SECONDS } from '../settings.mjs';
import type { WireCall } from './http-capture.mjs';

/** How long the API remembers what it was told, and why so long. */
export interface Remembered {
  readonly what: 'active' | 'inactive' | 'nothing';
  /** When it was asked for and until when it counts, in milliseconds since the epoch. */
  readonly askedAt?: number;
  readonly until?: number;
  readonly why: string;
}

export interface AnswerLog {
  note(call: WireCall): void;
  about(tokenDigest: string): Remembered | undefined;
  forgetAll(): void;
}

const MAX_ANSWERS = 5000;

/**
 * The latest answer about each token, by the token's digest, with the life that the middleware's settings give it. A second book,
 * kept from what went over the wire: the middleware's own memory is not to be looked into. Whether it was used, its channels tell.
 */
export function createAnswerLog(): AnswerLog {
  const answers = new Map<string, Remembered>();
  return {
    note(call) {
      const remembered = judge(call);
      if (remembered === undefined) return;
      answers.delete(call.tokenDigest);
      answers.set(call.tokenDigest, remembered);
      for (const oldest of answers.keys()) {
        if (answers.size <= MAX_ANSWERS) break;
        answers.delete(oldest);
      }
    },
    about: (tokenDigest) => answers.get(tokenDigest),
    forgetAll: () => answers.clear(),
  };
}

/** What follows from one answer; nothing from a call that brought none, which replaces none. */
function judge({ reply, startedAt: askedAt }: WireCall): Remembered | undefined {
  const said = reply === undefined ? undefined : parse(reply.body);
  if (said === undefined) return undefined;
  if (reply?.status === 200 && said.active === true) {
    const byExp = typeof said.exp === 'number' ? said.exp * 1000 - askedAt : Number.POSITIVE_INFINITY;
    const life = Math.min(byExp, TTL_SECONDS * 1000);
    const exp = Number.isFinite(byExp) ? `${Math.max(0, Math.round(byExp / 1000))} s` : 'none';
    const bound = byExp < TTL_SECONDS * 1000 ? 'exp' : 'cache.ttlSeconds';
    const why = `Kept until the earlier of exp (${exp} away when asked) and cache.ttlSeconds (${TTL_SECONDS} s): ${bound} decides.`;
    return { what: 'active', askedAt, until: askedAt + Math.max(0, life), why };
  }
  if (said.active !== false && said.error !== 'unsupported_token_type') return undefined;
  const why = `Inactive responses are kept for cache.inactiveTtlSeconds (${INACTIVE_TTL_SECONDS} s), in a cache of their own.`;
  return { what: 'inactive', askedAt, until: askedAt + INACTIVE_TTL_SECONDS * 1000, why };
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return Object(JSON.parse(body));
  } catch {
    return undefined;
  }
}
