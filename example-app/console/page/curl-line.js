import { NEEDS_TOKEN } from './actions.js';
import { copyOnClick } from './copy.js';
import { curlCommand } from './curl.js';
import { element } from './element.js';

/**
 * Adds a "curl" button beside each action's button. It shows a curl command that does the same as the action. The command of the
 * introspection request is shown from the start.
 *
 * @returns a function that updates the visible commands
 */
export function addCurlLines(actions) {
  const refreshers = Object.entries(actions).map(([id, action]) => {
    const container = document.querySelector(`[data-action=${id}]`);
    const label = container.querySelector('button').textContent;
    const isOpen = action.curlRequest !== undefined;
    const code = element('code', { id: `curl-code-${id}` });
    const note = element(
      'p',
      { className: 'note', hidden: true },
      'The DPoP proof is valid for one request within a minute. “Copy” makes a new one.',
    );
    const copy = element(
      'button',
      { type: 'button', className: 'quiet', 'aria-label': `Copy the curl command of: ${label}` },
      'Copy',
    );
    const panel = element(
      'div',
      { id: `curl-${id}`, className: 'curl', hidden: !isOpen },
      element('pre', { className: 'shell' }, code),
      copy,
      note,
    );
    const toggle = element(
      'button',
      {
        type: 'button',
        className: 'quiet toggle',
        'aria-expanded': String(isOpen),
        'aria-controls': panel.id,
        'aria-label': `curl command of: ${label}`,
      },
      'curl',
    );
    container.append(toggle, panel);

    async function requestForCurl() {
      if (action.curlRequest !== undefined) return action.curlRequest();
      return action.disabledReason?.() === NEEDS_TOKEN ? undefined : action.request();
    }

    async function refresh() {
      if (panel.hidden) return;
      const request = await requestForCurl();
      code.textContent = request === undefined ? NEEDS_TOKEN : curlCommand(request);
      copy.hidden = request === undefined;
      note.hidden = request?.headers?.DPoP === undefined;
    }

    toggle.addEventListener('click', async () => {
      panel.hidden = !panel.hidden;
      toggle.setAttribute('aria-expanded', String(!panel.hidden));
      await refresh();
    });
    copyOnClick(copy, async () => {
      await refresh();
      return code.textContent;
    });
    return refresh;
  });
  return () => Promise.all(refreshers.map((refresh) => refresh()));
}
