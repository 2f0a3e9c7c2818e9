import type { IncomingMessage } from 'node:http';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { createGuard, type Guard, nameGuard } from '../middleware/guard.js';
import { requireScope } from '../middleware/guards.js';
import { forwardError } from '../middleware/reject.js';
import { requireScopes } from '../verification/scope.js';

const NAME = 'requireToolScopes';
const EXAMPLE = "requireToolScopes({ write_file: ['files:write'] })";
const UNSUPPORTED_MEDIA_TYPE = 415;

/**
 * Lets a call of a tool pass when the token has all scopes that this tool needs; else 403 `insufficient_scope`, naming them and
 * those of the guards before. Whatever is no call of a tool in the list passes; a call of which it cannot be told which tool it is
 * needs what all of them need. Of several messages in one body, each counts.
 *
 * It reads `req.body`: mount `express.json()` before it, and give the transport `req.body`. A POST without a body is an error
 * (415), and so is a body that no JSON parser makes, such as the `Buffer` of `express.raw()`.
 *
 * @example
 * app.post('/mcp', requireScope('files:read'), express.json(), requireToolScopes({ write_file: ['files:write'] }), handle);
 *
 * @throws TypeError unless there is a tool, and every tool has at least one scope, each a scope-token of RFC 6749 section 3.3
 */
export function requireToolScopes(tools: Readonly<Record<string, readonly string[]>>): Guard {
  rejectMountedFactory(NAME, tools, EXAMPLE);
  const entries = typeof tools === 'object' && tools !== null && !Array.isArray(tools) ? Object.entries(tools) : [];
  if (entries.length === 0) throw optionError('tools', tools, `write ${EXAMPLE}`);
  const scopesOf = new Map<string, readonly string[]>();
  for (const [name, scopes] of entries) {
    if (!Array.isArray(scopes)) throw optionError(name, scopes, `write ${EXAMPLE}`);
    requireScope(...scopes);
    scopesOf.set(name, [...scopes]);
  }
  const ofAll = [...new Set([...scopesOf.values()].flat())];
  return nameGuard(NAME, function guardMiddleware(req: IncomingMessage & { body?: unknown }, res, next) {
    const { body } = req;
    if (!isReadable(body, req.method === 'POST')) {
      forwardError(unreadable(), { req, res, next });
      return;
    }
    const scopes = scopesFor(body, scopesOf) ?? ofAll;
    const check = createGuard(NAME, {
      scopes,
      run: ({ record }, { satisfiesScope }) => requireScopes(record, { scopes, satisfiesScope }),
    });
    check(req, res, next);
  });
}

/**
 * Only what a JSON parser makes is read: bytes, text and instances of classes may hold calls that cannot be seen here. Some
 * versions of `express.json()` leave an empty object where they parsed nothing, and that is no message either.
 */
function isReadable(body: unknown, isRequired: boolean): boolean {
  if (body === undefined) return !isRequired;
  return (Array.isArray(body) || isPlainObject(body)) && (!isRequired || Object.keys(body).length > 0);
}

/** `JSON.parse` of another realm makes objects with another `Object.prototype`, so that it is known by its own prototype. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function unreadable(): Error {
  const error = new Error(`${NAME}() found no body that was parsed as JSON; mount express.json() before it`);
  return Object.assign(error, { status: UNSUPPORTED_MEDIA_TYPE, statusCode: UNSUPPORTED_MEDIA_TYPE });
}

/** The scopes of the tools that are called, each once; `undefined` from the first call on that does not say which tool it is. */
function scopesFor(body: unknown, scopesOf: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const called = new Set<string>();
  for (const message of Array.isArray(body) ? body : [body]) {
    if (!mayCallTool(message)) continue;
    const tool = toolOf(message);
    if (tool === undefined) return undefined;
    if (scopesOf.has(tool)) called.add(tool);
  }
  return [...new Set([...called].flatMap((tool) => scopesOf.get(tool) ?? []))];
}

/**
 * A message with a member `__proto__` may become a call: some validators copy it so that the members inside are inherited. What
 * no JSON parser puts into a list may be a call as well.
 */
function mayCallTool(message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false;
  return !isPlainObject(message) || ('method' in message && message.method === 'tools/call') || hasProto(message);
}

/** The tool that a JSON-RPC message calls; `undefined` where that cannot be told. */
function toolOf(message: unknown): string | undefined {
  if (!isPlainObject(message) || hasProto(message)) return undefined;
  const { params } = message as { readonly params?: unknown };
  const name = Object.hasOwn(Object(params), 'name') ? Object(params).name : undefined;
  return typeof name === 'string' ? name : undefined;
}

function hasProto(message: object): boolean {
  return Object.hasOwn(message, '__proto__');
}
