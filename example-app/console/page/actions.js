import { byId } from './element.js';

/**
 * What each button sends: the page sends it, and the curl line says it. Of a DPoP call each makes its own proof, since a proof is
 * good for one request.
 *
 * @param state what the page knows: settings, sender, token
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

  const hasToken = () => state.token !== undefined;
  const isRunning = () => state.live?.authorizationServer.running ?? true;

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
    revoke: {
      order: async () => control('/console/revoke', { token: state.token.access_token }),
      isPossible: hasToken,
    },
    alter: { order: () => call(altered(state.token.access_token)), isPossible: hasToken, isCall: true },
    refresh: { order: () => call(state.token.refresh_token), isPossible: hasToken, isCall: true },
    stop: { order: async () => control('/authorization-server/stop'), isPossible: isRunning },
    start: { order: async () => control('/authorization-server/start'), isPossible: () => !isRunning() },
    restart: { order: async () => control('/authorization-server/restart') },
    delay: { order: async () => control('/console/delay', { ms: Number(byId('delay').value) }) },
    fill: { order: async () => control('/console/fill', { tokens: 50 }) },
    flush: { order: async () => control('/console/flush', {}) },
    flood: {
      order: async () =>
        control('/console/flood', {
          requests: 200,
          distinct: document.querySelector('[name=distinct]:checked').value === 'true',
        }),
    },
    call: { order: () => call(state.token.access_token), isPossible: hasToken, isCall: true },
    bare: { order: () => call(undefined), isCall: true },
  };
}

/** The token with one character in its middle changed. */
export function altered(token) {
  const at = Math.floor(token.length / 2);
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
}
