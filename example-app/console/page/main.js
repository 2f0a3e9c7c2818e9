import { createActions } from './actions.js';
import { createCallView } from './call-view.js';
import { showCode, showCodeCall } from './code.js';
import { send } from './curl.js';
import { addCurlLines } from './curl-line.js';
import { createSender } from './dpop.js';
import { byId, element } from './element.js';
import { foldOnSmallScreens } from './fold.js';
import { createIntrospectionView } from './introspection.js';
import { followLive } from './live.js';
import { clearOutcomes, showOutcome } from './outcome.js';
import { showTokenCard } from './token-card.js';

const state = {
  settings: await (await fetch('/console/settings')).json(),
  sender: await createSender(),
  /** The token that was issued last, when it ends, and whether this page revoked it. */
  token: undefined,
  /** The last state that the server sent. */
  live: undefined,
};

const actions = createActions(state);
const refreshCurlLines = addCurlLines(actions);
const callView = createCallView();
const introspectionView = createIntrospectionView();

byId('api-address').textContent = state.settings.api.replace('http://', '');
byId('server-address').textContent = new URL(state.settings.tokenEndpoint).host;
byId('audience').textContent = state.settings.audience;
showCode(state.settings);
foldOnSmallScreens();

followLive((live) => {
  const before = state.live?.authorizationServer;
  state.live = live;
  const { running, delayMs } = live.authorizationServer;
  if (before?.running !== running || before?.delayMs !== delayMs) showPossible();
}, callView.choose);

for (const [id, action] of Object.entries(actions)) {
  const button = buttonOf(id);
  const why = element('span', { className: 'why-not', id: `why-not-${id}` });
  button.after(why);
  button.setAttribute('aria-describedby', why.id);
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
showPossible();
await refreshCurlLines();

async function perform(id, action, button) {
  button.setAttribute('aria-busy', 'true');
  button.disabled = true;
  clearOutcomes();
  try {
    const order = await action.order();
    const response = await send(order);
    const body = await response.text();
    if (action.result === 'call') await callView.showCall(order, response, body);
    else conclude(id, action, response.ok, JSON.parse(body));
  } catch {
    showOutcome(id, false, { hint: 'The example does not answer. Is it running?' });
  } finally {
    button.removeAttribute('aria-busy');
    button.disabled = false;
    showPossible();
    // People who work with the keyboard go on from here.
    if (document.activeElement === document.body && !button.disabled) button.focus();
    await refreshCurlLines();
  }
}

/** Shows what an action other than a call did, and marks what it made old. */
function conclude(id, action, ok, body) {
  showOutcome(id, ok, body);
  if (!ok) return;
  if (action.result === 'introspection') {
    introspectionView.show(body.body);
    return;
  }
  callView.age(buttonOf(id).textContent);
  if (id === 'token') {
    state.token = { ...body, endsAt: Date.now() + body.expires_in * 1000, isRevoked: false };
    introspectionView.clear();
    showCodeCall(body.access_token);
  }
  if (id === 'revoke') {
    state.token.isRevoked = true;
    introspectionView.age(buttonOf(id).textContent);
  }
  showTokenCard(state.token);
}

/** Disables the buttons that cannot be pressed now, and says why beside each. */
function showPossible() {
  for (const [id, { obstacle }] of Object.entries(actions)) {
    const button = buttonOf(id);
    if (button.hasAttribute('aria-busy')) continue;
    const why = obstacle?.() ?? '';
    button.disabled = why !== '';
    byId(`why-not-${id}`).textContent = why;
  }
}

function buttonOf(id) {
  return document.querySelector(`[data-action=${id}] > button`);
}
