import type { IncomingMessage } from 'node:http';
import { passError } from '../middleware/gate.js';
import { createGuard, type Guard, nameGuard } from '../middleware/guard.js';
import { requireScope } from '../middleware/guards.js';
import { optionError, refuseMounted } from '../option-error.js';
import { requireScopes } from '../verification/scope.js';

const NAME = 'requireToolScopes';
const EXAMPLE = "requireToolScopes({ write_file: ['files:write'] })";
const UNSUPPORTED_MEDIA_TYPE = 415;

/**
 * Lets a call of a tool pass when the token has all scopes that this tool needs; else 403 `insufficient_scope`, naming them and
 * those of the guards before. Whatever is no call of a tool in the list passes; a call of which it cannot be told which tool it is
 * needs what all of them need. Of several messages in one body, each counts.
 *
 * It reads `req.body`: mount `express.json()` before it, and give the transport `req.body`. A POST without one is an error (415).
 *
 * @example
 * app.post('/mcp', requireScope('files:read'), express.json(), requireToolScopes({ write_file: ['files:write'] }), handle);
 *
 * @throws TypeError unless there is a tool, and every tool has at least one scope, each a scope-token of RFC 6749 section 3.3
 */
export function requireToolScopes(tools: Readonly<Record<string, readonly string[]>>): Guard {
  refuseMounted(NAME, tools, EXAMPLE);
  const entries = typeof tools === 'object' && tools !== null && !Array.isArray(tools) ? Object.entries(tools) : [];
  if (entries.length === 0) throw optionError('tools', tools, `write ${EXAMPLE}`);
  const scopesOf = new Map<unknown, readonly string[]>();
  for (const [name, scopes] of entries) {
    if (!Array.isArray(scopes)) throw optionError(name, scopes, `write ${EXAMPLE}`);
    requireScope(...scopes);
    scopesOf.set(name, [...scopes]);
  }
  const ofAll = [...scopesOf.values()].flat();
  return nameGuard(NAME, function guardMiddleware(req: IncomingMessage & { body?: unknown }, res, next) {
    const { body } = req;
    if (req.method === 'POST' && !isParsed(body)) {
      passError(unparsed(), { req, res, next });
      return;
    }
    const tools = [body].flat().filter(mayCallTool).map(toolOf);
    const scopes = [...new Set(tools.flatMap((tool) => (tool === undefined ? ofAll : (scopesOf.get(tool) ?? []))))];
    const check = createGuard(NAME, {
      scopes,
      run: (record, { satisfiesScope }) => requireScopes(record, { scopes, satisfiesScope }),
    });
    check(req, res, next);
  });
}

/** Some versions of `express.json()` leave an empty object where they parsed nothing. That is no message either. */
function isParsed(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length > 0;
}

function unparsed(): Error {
  const error = new Error(`${NAME}() found no body that was parsed as JSON; mount express.json() before it`);
  return Object.assign(error, { status: UNSUPPORTED_MEDIA_TYPE, statusCode: UNSUPPORTED_MEDIA_TYPE });
}

/** What hides members in a `__proto__` may become a call: some validators copy it in such a way that they are inherited. */
function mayCallTool(message: unknown): boolean {
  return Object(message).method === 'tools/call' || Object.hasOwn(Object(message), '__proto__');
}

/** The tool that a JSON-RPC message calls; `undefined` where that cannot be told. */
function toolOf(message: unknown): string | undefined {
  const { params } = Object(message);
  const name = Object.hasOwn(Object(params), 'name') ? params.name : undefined;
  return typeof name === 'string' && !Object.hasOwn(Object(message), '__proto__') ? name : undefined;
}
