import { byId } from './element.js';

export const NEEDS_TOKEN = 'Get a token first (step 1).';

/**
 * The action of each button. The page sends its request, and the curl command shows it.
 *
 * - `request`: creates the request. With DPoP it makes a new proof each time, because a proof is valid for one request.
 * - `curlRequest`: the request of the curl command, if it differs.
 * - `disabledReason`: why the button cannot be pressed now. `undefined` if it can be pressed.
 * - `result`: `call`, `introspection` or `stream`, the section that shows the response. An action without it changes some state.
 *
 * @param state `settings`, `dpopKey`, `token` and `serverState` of the page
 */
export function createActions(state) {
  const consoleRequest = (path, json) => ({ method: 'POST', url: `${state.settings.api}${path}`, json });

  /** A request to a route, or to the selected one, with this token or without one. */
  async function apiRequest(token, route = document.querySelector('#routes input:checked').value) {
    const [method, path] = route.split(' ');
    const url = `${state.settings.api}${path}`;
    if (token === undefined) return { method, url, headers: {}, showsHeaders: true };
    const isBound = state.token.token_type === 'DPoP';
    const headers = {
      Authorization: `${isBound ? 'DPoP' : 'Bearer'} ${token}`,
      ...(isBound && { DPoP: await state.dpopKey.proof(method, url, token) }),
    };
    return { method, url, headers, showsHeaders: true };
  }

  /** The introspection request that the API sends. */
  function introspectionRequest() {
    const { endpoint, clientId, clientSecret } = state.settings.introspection;
    const form = `token=${state.token?.access_token ?? 'TOKEN'}`;
    return { method: 'POST', url: endpoint, user: `${clientId}:${clientSecret}`, form };
  }

  const needsToken = () => (state.token === undefined ? NEEDS_TOKEN : undefined);
  const isRunning = () => state.serverState?.authorizationServer.running ?? true;
  const delay = (ms) => ({
    request: async () => consoleRequest('/console/delay', { ms }),
    disabledReason: () =>
      (state.serverState?.authorizationServer.delayMs ?? 0) === ms ? 'This is the current setting.' : undefined,
  });

  return {
    token: {
      async request() {
        const form = new FormData(byId('token-form'));
        const { tokenEndpoint } = state.settings;
        const isBound = form.get('dpop') !== null;
        return {
          ...consoleRequest('/console/token', {
            subject: form.get('subject'),
            scopes: form.getAll('scope'),
            ttlSeconds: Number(form.get('ttlSeconds')),
          }),
          headers: isBound ? { DPoP: await state.dpopKey.proof('POST', tokenEndpoint) } : {},
        };
      },
    },
    introspect: {
      request: async () => consoleRequest('/console/introspect', { token: state.token.access_token }),
      curlRequest: introspectionRequest,
      disabledReason: needsToken,
      result: 'introspection',
    },
    revoke: {
      request: async () => consoleRequest('/console/revoke', { token: state.token.access_token }),
      disabledReason: () => needsToken() ?? (state.token.isRevoked ? 'The token is already revoked.' : undefined),
    },
    logout: {
      request: async () => consoleRequest('/console/logout', { subject: state.token.subject }),
      disabledReason: () => needsToken() ?? (state.token.isRevoked ? 'The token is already revoked.' : undefined),
    },
    alter: {
      request: () => apiRequest(changeToken(state.token.access_token)),
      disabledReason: needsToken,
      result: 'call',
    },
    refresh: { request: () => apiRequest(state.token.refresh_token), disabledReason: needsToken, result: 'call' },
    stop: {
      request: async () => consoleRequest('/authorization-server/stop'),
      disabledReason: () => (isRunning() ? undefined : 'It is already stopped.'),
    },
    start: {
      request: async () => consoleRequest('/authorization-server/start'),
      disabledReason: () => (isRunning() ? 'It is already running.' : undefined),
    },
    restart: { request: async () => consoleRequest('/authorization-server/restart') },
    fast: delay(0),
    slow: delay(800),
    hang: delay(4000),
    fill: { request: async () => consoleRequest('/console/fill', { tokens: 50 }) },
    flush: { request: async () => consoleRequest('/console/flush', {}) },
    flood: {
      request: async () =>
        consoleRequest('/console/flood', {
          requests: 200,
          distinct: document.querySelector('[name=distinct]:checked').value === 'true',
        }),
    },
    call: { request: () => apiRequest(state.token.access_token), disabledReason: needsToken, result: 'call' },
    bare: { request: () => apiRequest(undefined), result: 'call' },
    stream: {
      request: () => apiRequest(state.token.access_token, 'GET /api/events'),
      disabledReason: needsToken,
      result: 'stream',
    },
  };
}

/** The token with one character in the middle changed. */
function changeToken(token) {
  const middle = Math.floor(token.length / 2);
  return `${token.slice(0, middle)}${token[middle] === 'A' ? 'B' : 'A'}${token.slice(middle + 1)}`;
}
