// The body of a request to an MCP server, and the headers that repeat parts of it. The MCP SDK says what the body calls.
import assert from 'node:assert/strict';
import { CallToolRequestSchema, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { createDispatcher } from '../../dispatcher.mjs';
import { requireOneOf } from '../errors.mjs';
import { linesOf, textWithLines } from '../lines.mjs';
import { CLOCK } from '../time.mjs';

const TOOLS = { write_file: ['files:write'], read_file: ['files:read'], constructor: ['files:admin'] };
const GRANTED = ['files:read'];
const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'write_file', arguments: { path: '/a' } } };
const READ = { ...CALL, params: { name: 'read_file' } };
const MISMATCH = { code: -32020, message: 'The headers Mcp-Method and Mcp-Name must agree with the body' };

export const mcpRequestBody = {
  name: 'mcp-request-body',
  input: 'lines with the method and the headers `Mcp-Method` and `Mcp-Name`, then the body',
  isSynchronous: true,
  maxLength: 4096,
  words: [
    ...[
      JSON.stringify(CALL),
      JSON.stringify(READ),
      '"method":"tools/call"',
      '"params":',
      '"name":"write_file"',
      'constructor',
    ],
    ...[
      '"__proto__":',
      '"method":"prompts/get"',
      '"method":"resources/read"',
      '"uri":',
      '=?base64?',
      '?=',
      'tools/call',
      'write_file',
    ],
    ...['"method":"notifications/initialized"', '\\u0074ools/call', '"result":', '"error":'],
  ],
  seeds: () => [
    textWithLines('POST', '', '', JSON.stringify(CALL)),
    textWithLines('POST', '', '', JSON.stringify(READ)),
    textWithLines('POST', '', '', JSON.stringify([READ, CALL])),
    textWithLines('POST', '', '', JSON.stringify({ ...CALL, params: { name: 'constructor' } })),
    textWithLines('POST', '', '', JSON.stringify({ ...CALL, params: { name: 'other' } })),
    textWithLines('POST', '', '', JSON.stringify({ ...CALL, params: undefined })),
    textWithLines('POST', '', '', JSON.stringify({ ...CALL, params: ['write_file'] })),
    textWithLines('POST', '', '', `{"jsonrpc":"2.0","id":1,"__proto__":${JSON.stringify(CALL)}}`),
    textWithLines(
      'POST',
      '',
      '',
      `{"__proto__":{"name":"write_file"},"method":"tools/call","params":{"name":"read_file"},"jsonrpc":"2.0","id":1}`,
    ),
    textWithLines(
      'POST',
      '',
      '',
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"__proto__":{"name":"write_file"},"name":"read_file"}}',
    ),
    textWithLines('POST', '', '', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })),
    textWithLines('POST', '', '', JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })),
    textWithLines('POST', 'tools/call', 'read_file', JSON.stringify(CALL)),
    textWithLines('POST', 'tools/call', 'read_file', JSON.stringify(READ)),
    textWithLines('POST', 'tools/call', 'write_file', JSON.stringify(CALL)),
    textWithLines(
      'POST',
      'tools/call',
      `=?base64?${Buffer.from('read_file').toString('base64')}?=`,
      JSON.stringify(READ),
    ),
    textWithLines('POST', 'tools/call', '=?base64?/w==?=', JSON.stringify(READ)),
    textWithLines('POST', 'tools/list', '', JSON.stringify([READ])),
    textWithLines('POST', 'tools/list', '', JSON.stringify(READ)),
    textWithLines('POST', 'tools/call', 'other', JSON.stringify(READ)),
    textWithLines('POST', '', '', JSON.stringify([READ, { ...CALL, id: 2 }])),
    textWithLines('POST', '', '', '[]'),
    textWithLines('POST', '', '', '{}'),
    textWithLines('POST', '', '', '"text"'),
    textWithLines('GET', '', '', ''),
  ],
  typical: (length) =>
    textWithLines(
      'POST',
      '',
      '',
      JSON.stringify({ ...READ, params: { ...READ.params, arguments: new Array(Math.ceil(length / 5)).fill('ab') } }),
    ),
  guards: [
    { file: 'mcp/tool-scopes.js', from: 'if (scopesOf.has(tool))', to: 'if (false)' },
    { file: 'mcp/tool-scopes.js', from: 'if (!mayCallTool(message))', to: 'if (message.id !== 1)' },
    { file: 'mcp/call-headers.js', from: 'if (method !== undefined && method !== called)', to: 'if (false)' },
    { file: 'mcp/call-headers.js', from: 'name === undefined || parameter === undefined ||', to: 'true ||' },
    { file: 'mcp/tool-scopes.js', from: "typeof id === 'string' || Number.isFinite(id) ? id : null", to: 'body' },
  ],

  async create(load) {
    const { noClientAuth, tokenIntrospection } = load('index.js');
    const { requireToolScopes } = load('mcp/index.js');
    const authenticate = tokenIntrospection({
      ...{ endpoint: 'https://as.example.com/introspect', audience: false, clock: CLOCK },
      clientAuth: noClientAuth(),
      dispatcher: createDispatcher(() => ({ active: true, scope: GRANTED.join(' '), sub: 'user' })),
    });
    const tools = requireToolScopes(TOOLS);
    // The first request asks the endpoint. All others find the token in memory.
    await new Promise((resolve, reject) => {
      authenticate(requestWith('GET', {}, undefined), createResponse(), (error) => (error ? reject(error) : resolve()));
    });
    return {
      read(bytes) {
        const [method, mcpMethod, mcpName, text] = linesOf(bytes, 3);
        const headers = {
          ...(mcpMethod !== '' && { 'mcp-method': mcpMethod }),
          ...(mcpName !== '' && { 'mcp-name': mcpName }),
        };
        return { method, headers, body: parse(text) };
      },
      run({ method, headers, body }) {
        const [req, res] = [requestWith(method, headers, body), createResponse()];
        const reached = { authenticated: false, handler: false, error: undefined };
        const handle = (error) => {
          reached.handler = error === undefined;
          reached.error = error;
        };
        authenticate(req, res, (error) => {
          reached.authenticated = error === undefined;
          if (error === undefined) tools(req, res, handle);
        });
        return { ...reached, res };
      },
      check({ method, headers, body }, { value, error }) {
        if (error !== undefined) throw error;
        requireOneOf([true], value.authenticated, 'authenticated');
        const called = [body].flat().map(toolOf);
        const isMissing = called.some(
          (tool) =>
            tool !== undefined && Object.hasOwn(TOOLS, tool) && !TOOLS[tool].every((scope) => GRANTED.includes(scope)),
        );
        if (value.handler) {
          requireOneOf([false], isMissing, 'call of a tool without its scope');
          if (headers['mcp-method'] !== undefined && body !== undefined)
            requireOneOf([body.method], headers['mcp-method'], 'Mcp-Method');
          if (headers['mcp-name'] !== undefined && toolOf(body) !== undefined)
            requireName(headers['mcp-name'], toolOf(body));
          return true;
        }
        requireFixedResponse(value, method, body);
        return false;
      },
    };
  },
};

/** The tool that the MCP SDK calls for a message; `undefined` for any other message. */
function toolOf(message) {
  if (!JSONRPCMessageSchema.safeParse(message).success) return undefined;
  return CallToolRequestSchema.safeParse(message).data?.params.name;
}

function requireName(header, tool) {
  const [, encoded] = /^=\?base64\?(.*)\?=$/i.exec(header) ?? [];
  assert.equal(encoded === undefined ? header : Buffer.from(encoded, 'base64').toString('utf8'), tool, 'Mcp-Name');
}

/** The response must hold nothing of the request, except the `id` of a message. */
function requireFixedResponse({ error, res }, method, body) {
  if (error !== undefined) {
    requireOneOf(['POST'], method, 'method');
    requireOneOf([415], error.status, 'status');
    return requireOneOf(
      ['requireToolScopes() found no body that was parsed as JSON; mount express.json() before it'],
      error.message,
      'message',
    );
  }
  const sent = method === 'HEAD' ? undefined : JSON.parse(res.body);
  if (sent === undefined) return requireOneOf([400, 403], res.statusCode, 'status');
  if (res.statusCode === 400) {
    const { id, ...others } = sent;
    assert.deepEqual(others, { jsonrpc: '2.0', error: MISMATCH }, 'response');
    return assert(id === null || id === body.id, 'id');
  }
  assert.deepEqual([res.statusCode, sent.error], [403, 'insufficient_scope'], 'response');
  const scopes = [.../scope="([^"]*)"/.exec(res.headers['www-authenticate'])[1].split(' ')];
  assert(
    scopes.every((scope) => Object.values(TOOLS).flat().includes(scope)),
    'scopes of the challenge',
  );
}

function requestWith(method, headers, body) {
  const all = { authorization: 'Bearer token', ...headers };
  return { method, headers: all, rawHeaders: Object.entries(all).flat(), url: '/mcp', body };
}

function createResponse() {
  const headers = {};
  return {
    ...{ headers, statusCode: 200, headersSent: false, writableEnded: false, body: '' },
    getHeader: (name) => headers[name.toLowerCase()],
    setHeader(name, value) {
      headers[name.toLowerCase()] = value;
    },
    removeHeader(name) {
      delete headers[name.toLowerCase()];
    },
    end(content) {
      this.body = content;
      this.writableEnded = true;
    },
  };
}

/** As `express.json()` parses: only an object or a list. */
function parse(text) {
  try {
    return /^\s*[{[]/.test(text) ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
