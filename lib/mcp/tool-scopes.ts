import type { IncomingMessage } from 'node:http';
import { passError } from '../middleware/gate.js';
import { type Guard, nameGuard } from '../middleware/guard.js';
import { requireScope } from '../middleware/guards.js';
import { optionError, refuseMounted } from '../option-error.js';

const EXAMPLE = "requireToolScopes({ write_file: ['files:write'] })";
const UNSUPPORTED_MEDIA_TYPE = 415;

/**
 * Lets a call of a tool pass when the token has all scopes that this tool needs; else 403 `insufficient_scope`, naming them and
 * those of the guards before. Whatever is no call of a tool in the list passes. Of several messages in one body, each counts.
 *
 * It reads `req.body`: mount `express.json()` before it, and give the transport `req.body`. A POST without one is an error (415).
 *
 * @example
 * app.post('/mcp', requireScope('files:read'), express.json(), requireToolScopes({ write_file: ['files:write'] }), handle);
 *
 * @throws TypeError unless every tool has at least one scope, each a scope-token of RFC 6749 section 3.3
 */
export function requireToolScopes(tools: Readonly<Record<string, readonly string[]>>): Guard {
  refuseMounted('requireToolScopes', tools, EXAMPLE);
  if (typeof tools !== 'object' || tools === null) throw optionError('tools', tools, `write ${EXAMPLE}`);
  const scopesOf = new Map<unknown, readonly string[]>();
  for (const [name, scopes] of Object.entries(tools)) {
    if (!Array.isArray(scopes)) throw optionError(name, scopes, `write ${EXAMPLE}`);
    requireScope(...scopes);
    scopesOf.set(name, [...scopes]);
  }
  return nameGuard('requireToolScopes', function guardMiddleware(req: IncomingMessage & { body?: unknown }, res, next) {
    if (req.method === 'POST' && (typeof req.body !== 'object' || req.body === null)) {
      const error = new Error(
        'requireToolScopes() found no body that was parsed as JSON; mount express.json() before it',
      );
      passError(
        Object.assign(error, { status: UNSUPPORTED_MEDIA_TYPE, statusCode: UNSUPPORTED_MEDIA_TYPE }),
        res,
        next,
      );
      return;
    }
    const needed = [req.body].flat().flatMap((message) => scopesOf.get(toolOf(message)) ?? []);
    if (needed.length === 0) next?.();
    else requireScope(...new Set(needed))(req, res, next);
  });
}

/** The tool that a JSON-RPC message calls. */
function toolOf(message: unknown): unknown {
  const { method, params } = Object(message);
  return method === 'tools/call' ? Object(params).name : undefined;
}
