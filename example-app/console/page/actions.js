import { byId } from './element.js';

export const NEEDS_TOKEN = 'Needs a token: step 1.';

/**
 * What each button sends: the page sends it, and the curl line says it. Each DPoP call makes a new proof, because a proof is
 * valid for one request.
 *
 * - `order`: the request.
 * - `curl`: the request of the curl line, where that is another one.
 * - `obstacle`: why the button cannot be pressed now; `undefined` if it can.
 * - `result`: what the page shows of it, a `call` or an `introspection`. Other actions change something.
 *
 * @param state what the page knows: settings, sender, token, live
 */
export function createActions(state) {
  const control = (path, json) => ({ method: 'POST', url: `${state.settings.api}${path}`, json });

  /** A call of the chosen route with these credentials. */
  async function call(token) {
    const [method, path] = document.querySelector('#routes input:checked').value.split(' ');
    const url = `${state.settings.api}${path}`;
    if (token === undefined) return { method, url, headers: {}, shows: true };
    const isBound = state.token.token_type === 'DPoP';
    const headers = {
      Authorization: `${isBound ? 'DPoP' : 'Bearer'} ${token}`,
      ...(isBound && { DPoP: await state.sender.proof(method, url, token) }),
    };
    return { method, url, headers, shows: true };
  }

  /** The introspection call itself, which the API sends. */
  function introspection() {
    const { endpoint, clientId, clientSecret } = state.settings.introspection;
    const form = `token=${state.token?.access_token ?? 'TOKEN'}`;
    return { method: 'POST', url: endpoint, user: `${clientId}:${clientSecret}`, form };
  }

  const needsToken = () => (state.token === undefined ? NEEDS_TOKEN : undefined);
  const isRunning = () => state.live?.authorizationServer.running ?? true;
  const delay = (ms) => ({
    order: async () => control('/console/delay', { ms }),
    obstacle: () => ((state.live?.authorizationServer.delayMs ?? 0) === ms ? 'It does so now.' : undefined),
  });

  return {
    token: {
      async order() {
        const form = new FormData(byId('token-form'));
        const { tokenEndpoint } = state.settings;
        const isBound = form.get('dpop') !== null;
        return {
          ...control('/console/token', {
            subject: form.get('subject'),
            scopes: form.getAll('scope'),
            ttlSeconds: Number(form.get('ttlSeconds')),
          }),
          headers: isBound ? { DPoP: await state.sender.proof('POST', tokenEndpoint) } : {},
        };
      },
    },
    introspect: {
      order: async () => control('/console/introspect', { token: state.token.access_token }),
      curl: introspection,
      obstacle: needsToken,
      result: 'introspection',
    },
    revoke: {
      order: async () => control('/console/revoke', { token: state.token.access_token }),
      obstacle: () => needsToken() ?? (state.token.isRevoked ? 'It is revoked.' : undefined),
    },
    alter: { order: () => call(altered(state.token.access_token)), obstacle: needsToken, result: 'call' },
    refresh: { order: () => call(state.token.refresh_token), obstacle: needsToken, result: 'call' },
    stop: {
      order: async () => control('/authorization-server/stop'),
      obstacle: () => (isRunning() ? undefined : 'It is stopped.'),
    },
    start: {
      order: async () => control('/authorization-server/start'),
      obstacle: () => (isRunning() ? 'It is running.' : undefined),
    },
    restart: { order: async () => control('/authorization-server/restart') },
    fast: delay(0),
    slow: delay(800),
    hang: delay(4000),
    fill: { order: async () => control('/console/fill', { tokens: 50 }) },
    flush: { order: async () => control('/console/flush', {}) },
    flood: {
      order: async () =>
        control('/console/flood', {
          requests: 200,
          distinct: document.querySelector('[name=distinct]:checked').value === 'true',
        }),
    },
    call: { order: () => call(state.token.access_token), obstacle: needsToken, result: 'call' },
    bare: { order: () => call(undefined), result: 'call' },
  };
}

/** The token with one character in its middle changed. */
export function altered(token) {
  const at = Math.floor(token.length / 2);
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
}
