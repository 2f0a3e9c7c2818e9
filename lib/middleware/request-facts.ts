import type { IncomingMessage } from 'node:http';
import type { RequestFacts } from '../credentials/read-credentials.js';
import type { Demands } from '../settings.js';

const AUTHORIZATION = 'authorization';

/** Reads off a request what authentication needs. `getToken` is the app's own code: what it throws is passed on. */
export function factsOf(
  req: IncomingMessage & { readonly body?: unknown },
  { getToken, tokenFromBody }: Demands,
): RequestFacts {
  return {
    authorization: req.headers.authorization,
    authorizationRepeated: isAuthorizationRepeated(req.rawHeaders),
    custom: getToken === undefined ? undefined : customToken(getToken(req)),
    method: req.method,
    contentType: req.headers['content-type'],
    body: tokenFromBody ? req.body : undefined,
  };
}

/** Names alternate with values; comparing lengths first leaves almost nothing to lower-case. */
function isAuthorizationRepeated(rawHeaders: readonly string[]): boolean {
  let seen = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length !== AUTHORIZATION.length || name.toLowerCase() !== AUTHORIZATION) continue;
    if (seen) return true;
    seen = true;
  }
  return false;
}

function customToken(token: unknown): unknown {
  if (token instanceof Promise) {
    token.catch(() => {});
    throw new TypeError('"getToken" returned a promise; it has to be synchronous');
  }
  return token;
}
