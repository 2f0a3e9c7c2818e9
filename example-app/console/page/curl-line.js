import { NEEDS_TOKEN } from './actions.js';
import { copiesOnClick } from './copy.js';
import { curlOf } from './curl.js';
import { element } from './element.js';

/**
 * Puts a button beside each action's that shows the curl line which does the same. The line of the introspection call is shown
 * at once.
 *
 * @returns a function that brings the open ones up to date
 */
export function addCurlLines(actions) {
  const refreshers = Object.entries(actions).map(([id, action]) => {
    const container = document.querySelector(`[data-action=${id}]`);
    const label = container.querySelector('button').textContent;
    const isOpen = action.curl !== undefined;
    const code = element('code', { id: `curl-code-${id}` });
    const note = element(
      'p',
      { className: 'note', hidden: true },
      'Its proof is valid for one request, within a minute. Copy makes another.',
    );
    const copy = element(
      'button',
      { type: 'button', className: 'quiet', 'aria-label': `Copy the curl line of: ${label}` },
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
        'aria-label': `curl line of: ${label}`,
      },
      'curl',
    );
    container.append(toggle, panel);

    function orderOfLine() {
      if (action.curl !== undefined) return action.curl();
      return action.obstacle?.() === NEEDS_TOKEN ? undefined : action.order();
    }

    async function refresh() {
      if (panel.hidden) return;
      const order = await orderOfLine();
      code.textContent = order === undefined ? 'Get a token first.' : curlOf(order);
      copy.hidden = order === undefined;
      note.hidden = order?.headers?.DPoP === undefined;
    }

    toggle.addEventListener('click', async () => {
      panel.hidden = !panel.hidden;
      toggle.setAttribute('aria-expanded', String(!panel.hidden));
      await refresh();
    });
    copiesOnClick(copy, async () => {
      await refresh();
      return code.textContent;
    });
    return refresh;
  });
  return () => Promise.all(refreshers.map((refresh) => refresh()));
}
