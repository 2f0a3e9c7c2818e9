import type { IncomingMessage } from 'node:http';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { ownMember } from '../core/own-members.js';
import { createGuard, type Guard, nameGuard } from '../middleware/guard.js';
import { requireScope } from '../middleware/guards.js';
import { forwardError, type RequestContext } from '../middleware/reject.js';
import { respond } from '../middleware/respond.js';
import { requireScopes } from '../verification/scope.js';
import { agreeWith, readCallHeaders, TOOLS_CALL } from './call-headers.js';

const NAME = 'requireToolScopes';
const EXAMPLE = "requireToolScopes({ write_file: ['files:write'] })";
const UNSUPPORTED_MEDIA_TYPE = 415;
const BAD_REQUEST = 400;

/** JSON-RPC error code for headers that do not agree with the body. */
const HEADER_MISMATCH = -32_020;

type McpRequest = IncomingMessage & { body?: unknown };

/** The guard that `requireToolScopes()` returns. It has a second guard for the time before the body is parsed. */
export interface ToolScopesGuard extends Guard {
  /**
   * Guard that rejects a call by its headers `Mcp-Method` and `Mcp-Name`, before the body is parsed. Requests without these headers pass.
   * Mount it before `express.json()`, and mount the guard itself after `express.json()`, because only the body says what is called.
   */
  readonly beforeBody: Guard;
}

/**
 * Requires scopes for calls of MCP tools. The token must grant all scopes of the tool that the request calls. Otherwise the response is 403
 * `insufficient_scope`, and its challenge names these scopes and those of earlier guards.
 *
 * A message that calls no tool, or a tool that is not listed in `tools`, passes. A call whose tool cannot be determined requires the scopes
 * of all listed tools. If a body has several messages, each of them must pass.
 *
 * If the request has the headers `Mcp-Method` or `Mcp-Name`, they must agree with the body. Otherwise the response is 400 with the JSON-RPC
 * error -32020, as the specification of 2026-07-28 requires. With `beforeBody`, a call is rejected by these headers before a large body is
 * parsed.
 *
 * The guard reads `req.body`. So mount `express.json()` before the guard, and pass `req.body` to the transport. A POST without a body is an
 * error (415). A body that was not parsed from JSON, such as the `Buffer` of `express.raw()`, is an error (415) too.
 *
 * @example
 * const tools = requireToolScopes({ write_file: ['files:write'] });
 * app.post('/mcp', requireScope('files:read'), tools.beforeBody, express.json(), tools, handle);
 *
 * @throws TypeError without a tool, for a tool without a scope, or for a scope that is not a scope-token of RFC 6749 section 3.3
 */
export function requireToolScopes(tools: Readonly<Record<string, readonly string[]>>): ToolScopesGuard {
  rejectMountedFactory(NAME, tools, EXAMPLE);
  const entries = typeof tools === 'object' && tools !== null && !Array.isArray(tools) ? Object.entries(tools) : [];
  if (entries.length === 0) throw optionError('tools', tools, `write ${EXAMPLE}`);
  const scopesOf = new Map<string, readonly string[]>();
  for (const [name, scopes] of entries) {
    if (!Array.isArray(scopes)) throw optionError(name, scopes, `write ${EXAMPLE}`);
    requireScope(...scopes);
    scopesOf.set(name, [...scopes]);
  }
  const allScopes = [...new Set([...scopesOf.values()].flat())];
  const guard = nameGuard(NAME, function guardMiddleware(req: McpRequest, res, next) {
    const { body } = req;
    const context = { req, res, next };
    if (!isReadable(body, req.method === 'POST')) forwardError(unreadable(), context);
    else if (body !== undefined && !agreeWith(readCallHeaders(req), body)) rejectMismatch(context, body);
    else guardScopes(scopesFor(body, scopesOf) ?? allScopes)(req, res, next);
  });
  const beforeBody = nameGuard(`${NAME}BeforeBody`, function guardMiddleware(req, res, next) {
    const { method, name } = readCallHeaders(req);
    const scopes = method === TOOLS_CALL && typeof name === 'string' ? scopesOf.get(name) : undefined;
    guardScopes(scopes ?? [])(req, res, next);
  });
  return Object.assign(guard, { beforeBody });
}

function guardScopes(scopes: readonly string[]): Guard {
  return createGuard(NAME, {
    scopes,
    run: ({ record }, { satisfiesScope }) => requireScopes(record, { scopes, satisfiesScope }),
  });
}

/**
 * Sends the error that the MCP specification requires for headers that do not agree with the body. Its text is fixed, and only the `id`
 * comes from the request.
 */
function rejectMismatch(context: Omit<RequestContext, 'by'>, body: unknown): void {
  const { req, res } = context;
  const id = ownMember(body, 'id');
  const error = { code: HEADER_MISMATCH, message: 'The headers Mcp-Method and Mcp-Name must agree with the body' };
  try {
    respond(
      req,
      res,
      BAD_REQUEST,
      { 'Cache-Control': 'no-store' },
      {
        ...{ jsonrpc: '2.0', id: typeof id === 'string' || Number.isFinite(id) ? id : null, error },
      },
    );
  } catch (thrown) {
    forwardError(thrown, context);
  }
}

/**
 * Whether the guard can see all calls in a body. True for a list or a plain object, as a JSON parser creates them, and for an absent body
 * if no body is required. False for bytes, texts and class instances, because they may hold calls that this guard does not see. A required
 * body must not be empty, because some versions of `express.json()` set an empty object when they parsed nothing.
 */
function isReadable(body: unknown, isRequired: boolean): boolean {
  if (body === undefined) return !isRequired;
  return (Array.isArray(body) || isPlainObject(body)) && (!isRequired || Object.keys(body).length > 0);
}

/**
 * Whether a value is an object without a prototype, or with the `Object.prototype` of any realm. So the prototype is not compared with the
 * `Object.prototype` of this realm.
 */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function unreadable(): Error {
  const error = new Error(`${NAME}() found no body that was parsed as JSON; mount express.json() before it`);
  return Object.assign(error, { status: UNSUPPORTED_MEDIA_TYPE, statusCode: UNSUPPORTED_MEDIA_TYPE });
}

/**
 * Returns the scopes of all listed tools that the body calls, each scope once. Returns `undefined` if the tool of a call cannot be
 * determined.
 */
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
 * True if a message may call a tool. This includes a message with an own member `__proto__`: when a validator copies the message, this
 * member may become the prototype, from which the copy inherits a `method`. It also includes every object that no JSON parser creates.
 */
function mayCallTool(message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false;
  return !isPlainObject(message) || ('method' in message && message.method === TOOLS_CALL) || hasProto(message);
}

/** Returns the name of the tool that a JSON-RPC message calls; `undefined` if the tool cannot be determined. */
function toolOf(message: unknown): string | undefined {
  if (!isPlainObject(message) || hasProto(message)) return undefined;
  const { params } = message as { readonly params?: unknown };
  const name = Object.hasOwn(Object(params), 'name') ? Object(params).name : undefined;
  return typeof name === 'string' ? name : undefined;
}

function hasProto(message: object): boolean {
  return Object.hasOwn(message, '__proto__');
}
