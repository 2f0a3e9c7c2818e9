import { createActions } from './actions.js';
import { createCallView } from './call-view.js';
import { showCode, showCodeCall } from './code.js';
import { send } from './curl.js';
import { addCurlLines } from './curl-line.js';
import { createDpopKey } from './dpop.js';
import { byId, element } from './element.js';
import { createEventStreamView } from './event-stream.js';
import { foldOnSmallScreens } from './fold.js';
import { createIntrospectionView } from './introspection.js';
import { showLiveMetrics } from './live.js';
import { clearOutcomes, showOutcome } from './outcome.js';
import { showTokenCard } from './token-card.js';

const state = {
  settings: await (await fetch('/console/settings')).json(),
  dpopKey: await createDpopKey(),
  /** The last issued token, its expiry time, and whether this page revoked it. */
  token: undefined,
  /** The last state that the server sent. */
  serverState: undefined,
};

const actions = createActions(state);
const refreshCurlLines = addCurlLines(actions);
const callView = createCallView();
const introspectionView = createIntrospectionView();
const eventStreamView = createEventStreamView();

byId('api-address').textContent = state.settings.api.replace('http://', '');
byId('server-address').textContent = new URL(state.settings.tokenEndpoint).host;
byId('audience').textContent = state.settings.audience;
showCode(state.settings);
foldOnSmallScreens();

showLiveMetrics((serverState) => {
  const before = state.serverState?.authorizationServer;
  state.serverState = serverState;
  const { running, delayMs } = serverState.authorizationServer;
  if (before?.running !== running || before?.delayMs !== delayMs) updateButtons();
}, callView.select);

for (const [id, action] of Object.entries(actions)) {
  const button = buttonOf(id);
  const reason = element('span', { className: 'disabled-reason', id: `disabled-reason-${id}` });
  button.after(reason);
  button.setAttribute('aria-describedby', reason.id);
  const press = () => perform(id, action, button);
  if (id === 'token') {
    byId('token-form').addEventListener('submit', (event) => {
      event.preventDefault();
      press();
    });
  } else {
    button.addEventListener('click', press);
  }
}
for (const name of ['input', 'change']) document.querySelector('main').addEventListener(name, () => refreshCurlLines());
setInterval(() => showTokenCard(state.token), 1000);
updateButtons();
await refreshCurlLines();

async function perform(id, action, button) {
  button.setAttribute('aria-busy', 'true');
  button.disabled = true;
  clearOutcomes();
  try {
    const request = await action.request();
    const response = await send(request);
    if (action.result === 'stream') {
      void eventStreamView.read(response);
      return;
    }
    const body = await response.text();
    if (action.result === 'call') await callView.showCall(request, response, body);
    else finish(id, action, response.ok, JSON.parse(body));
  } catch {
    showOutcome(id, false, { hint: 'The example does not respond. Is it running?' });
  } finally {
    button.removeAttribute('aria-busy');
    button.disabled = false;
    updateButtons();
    // Keyboard users continue from this button.
    if (document.activeElement === document.body && !button.disabled) button.focus();
    await refreshCurlLines();
  }
}

/** Shows the outcome of an action other than a call, and marks the results that it made outdated. */
function finish(id, action, ok, body) {
  showOutcome(id, ok, body);
  if (!ok) return;
  if (action.result === 'introspection') {
    introspectionView.show(body.body);
    return;
  }
  callView.markOutdated(buttonOf(id).textContent);
  if (id === 'token') {
    const subject = new FormData(byId('token-form')).get('subject');
    state.token = { ...body, subject, endsAt: Date.now() + body.expires_in * 1000, isRevoked: false };
    introspectionView.clear();
    showCodeCall(body.access_token);
  }
  if (id === 'revoke' || id === 'logout') {
    state.token.isRevoked = true;
    introspectionView.markOutdated(buttonOf(id).textContent);
  }
  showTokenCard(state.token);
}

/** Disables the buttons that cannot be pressed now, and shows the reason below each. */
function updateButtons() {
  for (const [id, { disabledReason }] of Object.entries(actions)) {
    const button = buttonOf(id);
    if (button.hasAttribute('aria-busy')) continue;
    const reason = disabledReason?.() ?? '';
    button.disabled = reason !== '';
    byId(`disabled-reason-${id}`).textContent = reason;
  }
}

function buttonOf(id) {
  return document.querySelector(`[data-action=${id}] > button`);
}
