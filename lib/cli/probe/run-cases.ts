import { randomBytes } from 'node:crypto';
import { UsageError } from '../usage-error.js';
import { GROUPS } from './cases.js';
import { type Finding, type ProbeCase, type ProbeContext, skipped } from './probe-case.js';
import { withoutTokens } from './redact-tokens.js';
import { type ProbeRequest, type ProbeResponse, sendOnce } from './send.js';

/** The result of one case, as `--json` prints it. */
export interface CaseReport extends Finding, Omit<ProbeCase, 'run' | 'needs'> {
  readonly group: string;
}

/** The result of the command `probe`. */
export interface ProbeReport {
  readonly url: string;
  readonly ok: boolean;
  readonly requests: number;
  readonly cases: readonly CaseReport[];
}

export interface ProbeSettings {
  readonly url: URL;
  readonly token: string | undefined;
  readonly narrowToken: string | undefined;
  readonly timeoutMs: number;
}

const TOO_MANY_REQUESTS = 429;

const MAX_SHOWN = 200;

const MISSING_TOKENS = {
  token: 'needs a token: --token-stdin',
  narrowToken: 'needs a second token, without the scope, in the second line of standard input',
} as const;

/** The API has limited the rate of the probe, so no further request is sent. */
class RateLimited extends Error {}

/**
 * Runs all cases, one after the other, with one request at a time.
 *
 * @throws UsageError if the API cannot be reached at all
 */
export async function runCases(settings: ProbeSettings): Promise<ProbeReport> {
  const { url, token, narrowToken, timeoutMs } = settings;
  const responses = new Map<string, ProbeResponse>();
  let requests = 0;
  let isLimited = false;
  const context: ProbeContext = {
    url,
    token,
    narrowToken,
    unknownToken: `probe-${randomBytes(24).toString('base64url')}`,
    async send(request, repeated = false) {
      const key = JSON.stringify(request);
      const known = responses.get(key);
      if (known !== undefined && !repeated) return known;
      if (isLimited) throw new RateLimited();
      requests++;
      const response = await sendOnce(url, request, timeoutMs);
      isLimited = response.status === TOO_MANY_REQUESTS;
      if (isLimited) throw new RateLimited();
      responses.set(key, response);
      return response;
    },
  };
  await requireReachable(context);
  const cases: CaseReport[] = [];
  for (const [group, list] of GROUPS) {
    for (const { run, needs, ...texts } of list) {
      const isMissing = needs !== undefined && context[needs] === undefined;
      const found = isMissing ? skipped(MISSING_TOKENS[needs]) : await runSafely(run, context);
      cases.push({ group, ...texts, outcome: found.outcome, saw: shorten(withoutTokens(found.saw, context)) });
    }
  }
  return { url: url.href, ok: cases.every(({ outcome }) => outcome !== 'differs'), requests, cases };
}

/** @throws UsageError if there is no response to the first request */
async function requireReachable({ url, send }: ProbeContext): Promise<void> {
  const first: ProbeRequest = {};
  try {
    await send(first);
  } catch (error) {
    if (error instanceof RateLimited) return;
    throw new UsageError(`${url.origin} cannot be reached (${codeOf(error)})`);
  }
}

async function runSafely(run: ProbeCase['run'], context: ProbeContext): Promise<Finding> {
  try {
    return await run(context);
  } catch (error) {
    if (error instanceof RateLimited) return skipped('the API limits the rate of requests (429)');
    return { outcome: 'differs', saw: `no response (${codeOf(error)})` };
  }
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  if (name === 'AbortError' || name === 'TimeoutError') return 'timeout';
  return typeof code === 'string' ? code : String(name);
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
